/**
 * The operators of rules (`@…`), by number, but for those that have expressions or phrases, which are in `regex/` and
 * `scan/`. To add one, give it a name in `NAMES` and a case in `createOperator`.
 */

import { Bytes, lowered, Text } from "sentinel/text";
import { prepareSqlWords } from "../detect/sqli";
import { prepareXssWords } from "../detect/xss";
import { DetectSqli, DetectXss } from "./detections";
import { numberRegex, VerifyCC, VerifyCPF, VerifySSN, VerifySVNR } from "./identity_numbers";
import { IpMatch } from "./ip_match";
import { Comparison, EQUAL, LESS, MORE } from "./numbers";
import { Operator, operatorProblem, refused } from "./operator";
import { Rsub } from "./rsub";
import {
  BeginsWith,
  Contains,
  ContainsWord,
  EndsWith,
  NoMatch,
  StrEq,
  UnconditionalMatch,
  Within,
} from "./texts";
import { ValidateByteRange, ValidateUrlEncoding, ValidateUtf8Encoding } from "./validations";

export { Operator } from "./operator";
export { Rsub } from "./rsub";

/** By number. Those from `FIRST_REFUSED` on need what the firewall does not have. */
const NAMES: StaticArray<string> = [
  "beginsWith",
  "contains",
  "containsWord",
  "endsWith",
  "streq",
  "strmatch",
  "within",
  "eq",
  "ge",
  "gt",
  "le",
  "lt",
  "ipMatch",
  "ipMatchFromFile",
  "ipMatchF",
  "validateByteRange",
  "validateUrlEncoding",
  "validateUtf8Encoding",
  "verifyCC",
  "verifySSN",
  "verifyCPF",
  "verifySVNR",
  "rsub",
  "unconditionalMatch",
  "noMatch",
  "detectSQLi",
  "detectXSS",
  "geoLookup",
  "rbl",
  "fuzzyHash",
  "inspectFile",
  "validateSchema",
  "validateDTD",
  "gsbLookup",
  "validateHash",
];

/** Why each of the last ones is refused. */
const REFUSALS: StaticArray<string> = [
  "is not supported: there is no database of places; compare REMOTE_ADDR with @ipMatchFromFile",
  "is not supported: a request cannot wait for the name service; compare REMOTE_ADDR with @ipMatchFromFile",
  "is not supported: there is no database of fuzzy hashes",
  "is not supported: a rule cannot start a program; give files to an agent of your own",
  "is not supported: XML is read without schemas; look at XML:/* and XML://@* instead",
  "is not supported: XML is read without document types; look at XML:/* and XML://@* instead",
  "is not supported: the service that it asked was shut down",
  "is not supported: links are not signed",
];

const FIRST_REFUSED: i32 = 27;

/** The number of an operator, whose name may be in any letter case; -1 when there is none of the name. */
export function operatorId(name: Text): i32 {
  for (let id = 0; id < NAMES.length; id++) {
    if (isNamed(name, NAMES[id])) return id;
  }
  return -1;
}

function isNamed(name: Text, known: string): bool {
  if (name.length != known.length) return false;
  for (let index = 0; index < known.length; index++) {
    if (lowered(name.byteAt(index)) != lowered(<u32> known.charCodeAt(index))) {
      return false;
    }
  }
  return true;
}

/** What was wrong with the last operator that was refused, to be read behind its name. */
export function operatorError(): Text {
  return Text.of(operatorProblem);
}

/**
 * Makes an operator in `onConfigure`; `file` has the contents of the file that the argument of `…FromFile` names. Null when it
 * is refused, and `operatorError` says why. An argument with macros comes as it is written; it counts in `testWith` only.
 */
export function createOperator(
  id: i32,
  argument: Text,
  file: Bytes | null,
): Operator | null {
  switch (id) {
    case 0:
      return new BeginsWith(argument);
    case 1:
    case 5:
      return new Contains(argument);
    case 2:
      return new ContainsWord(argument);
    case 3:
      return new EndsWith(argument);
    case 4:
      return new StrEq(argument);
    case 6:
      return new Within(argument);
    case 7:
      return new Comparison(argument, EQUAL);
    case 8:
      return new Comparison(argument, EQUAL | MORE);
    case 9:
      return new Comparison(argument, MORE);
    case 10:
      return new Comparison(argument, EQUAL | LESS);
    case 11:
      return new Comparison(argument, LESS);
    case 12:
      return hasMacro(argument) ? IpMatch.later(argument) : IpMatch.make(argument);
    case 13:
    case 14:
      return file === null ? refused("has no file to read addresses from") : IpMatch.fromFile(argument, file);
    case 15:
      return hasMacro(argument) ? ValidateByteRange.make(Text.of("0-255")) : ValidateByteRange.make(argument);
    case 16:
      return new ValidateUrlEncoding(argument);
    case 17:
      return new ValidateUtf8Encoding(argument);
    default:
      return createOther(id, argument);
  }
}

function createOther(id: i32, argument: Text): Operator | null {
  switch (id) {
    case 18:
    case 19:
    case 20:
    case 21:
      return createVerifier(id, argument);
    case 22:
      return Rsub.make(argument);
    case 23:
      return new UnconditionalMatch(argument);
    case 24:
      return new NoMatch(argument);
    case 25:
      prepareSqlWords();
      return new DetectSqli(argument);
    case 26:
      prepareXssWords();
      return new DetectXss(argument);
    default:
      return refused(
        id >= FIRST_REFUSED && id < NAMES.length ? REFUSALS[id - FIRST_REFUSED] : "is no operator",
      );
  }
}

function createVerifier(id: i32, argument: Text): Operator | null {
  const regex = numberRegex(argument);
  if (regex === null) return null;
  if (id == 18) return new VerifyCC(argument, regex);
  if (id == 19) return new VerifySSN(argument, regex);
  return id == 20 ? new VerifyCPF(argument, regex) : new VerifySVNR(argument, regex);
}

function hasMacro(argument: Text): bool {
  return argument.indexOf(Text.of("%{")) >= 0;
}
