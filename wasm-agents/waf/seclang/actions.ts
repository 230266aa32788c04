/** Reads the last part of a rule: `id:1,phase:2,deny,t:none,setvar:'tx.score=+5'`. */

import { Bytes } from "sentinel";
import { transformId } from "../transforms/transforms";
import { readCtl } from "./ctls";
import { nearestWord } from "./hints";
import { closingQuote, unquoted } from "./lines";
import { MacroReader } from "./macros";
import {
  DO_ALLOW,
  DO_ALLOW_PHASE,
  DO_ALLOW_REQUEST,
  DO_BLOCK,
  DO_DENY,
  DO_DROP,
  DO_PASS,
  DO_REDIRECT,
  Rule,
  StoreAction,
} from "./model";
import { Place, Problems } from "./problems";
import { readSetVar } from "./set_vars";
import { TargetReader } from "./targets";
import { VAR_IP, VAR_TX, VAR_USER, variableOf } from "./variables";
import { isWord, NOTHING, part, trimmed, wholeNumber } from "./words";

const KNOWN: string[] = [
  "id",
  "phase",
  "msg",
  "logdata",
  "severity",
  "tag",
  "ver",
  "rev",
  "maturity",
  "accuracy",
  "t",
  "capture",
  "multiMatch",
  "chain",
  "deny",
  "drop",
  "block",
  "pass",
  "allow",
  "redirect",
  "status",
  "log",
  "nolog",
  "auditlog",
  "noauditlog",
  "skip",
  "skipAfter",
  "setvar",
  "expirevar",
  "initcol",
  "setsid",
  "setuid",
  "setrsc",
  "ctl",
];

const SEVERITIES: string[] = [
  "EMERGENCY",
  "ALERT",
  "CRITICAL",
  "ERROR",
  "WARNING",
  "NOTICE",
  "INFO",
  "DEBUG",
];

/** What actions are read with. */
export class ActionReader {
  constructor(
    readonly macros: MacroReader,
    readonly targets: TargetReader,
    readonly problems: Problems,
  ) {}

  /** Puts the actions of a list into a rule. */
  read(text: Bytes, rule: Rule): void {
    let at = 0;
    while (at < text.length) {
      const nameStart = at;
      while (
        at < text.length && text.byteAt(at) != 0x3a && text.byteAt(at) != 0x2c
      ) at++;
      const name = trimmed(part(text, nameStart, at));
      let value = NOTHING;
      if (at < text.length && text.byteAt(at) == 0x3a) {
        const start = at + 1;
        at = valueEnd(text, start);
        value = unwrapped(trimmed(part(text, start, at)));
      }
      at++;
      if (name.length > 0) this.action(name, value, rule);
    }
  }

  private action(name: Bytes, value: Bytes, rule: Rule): void {
    if (this.aboutRule(name, value, rule)) return;
    if (this.disruption(name, value, rule)) return;
    if (this.change(name, value, rule)) return;
    const word = name.toString();
    if (
      isWord(name, "exec") || isWord(name, "proxy") || isWord(name, "append") ||
      isWord(name, "prepend")
    ) {
      this.problems.error(
        rule.place,
        'the action "' + word +
          '" is not supported: a rule cannot run programs or change messages',
      );
    } else if (
      isWord(name, "pause") || isWord(name, "sanitiseArg") ||
      isWord(name, "sanitiseMatched") ||
      isWord(name, "sanitiseMatchedBytes") ||
      isWord(name, "sanitiseRequestHeader") ||
      isWord(name, "sanitiseResponseHeader") ||
      isWord(name, "deprecatevar") || isWord(name, "xmlns")
    ) {
      this.problems.warn(
        rule.place,
        'the action "' + word + '" has no effect here',
      );
    } else {
      this.problems.error(
        rule.place,
        'there is no action "' + word + '"' + nearestWord(word, KNOWN),
      );
    }
  }

  /** What a rule is, what it says, and how it looks. */
  private aboutRule(name: Bytes, value: Bytes, rule: Rule): bool {
    if (isWord(name, "t")) this.transform(value, rule);
    else if (isWord(name, "tag")) {
      rule.tags.push(this.macros.read(value, rule.place));
    } else if (isWord(name, "id")) {
      rule.id = this.number(name, value, rule.place);
    } else if (isWord(name, "phase")) {
      rule.phase = this.phase(value, rule.place);
    } else if (isWord(name, "msg")) {
      rule.message = this.macros.read(value, rule.place);
    } else if (isWord(name, "logdata")) {
      rule.logData = this.macros.read(value, rule.place);
    } else if (isWord(name, "severity")) {
      rule.severity = this.severity(value, rule.place);
    } else if (isWord(name, "ver")) rule.version = value;
    else if (isWord(name, "rev")) rule.revision = value;
    else if (isWord(name, "maturity")) {
      rule.maturity = this.number(name, value, rule.place);
    } else if (isWord(name, "accuracy")) {
      rule.accuracy = this.number(name, value, rule.place);
    } else if (isWord(name, "capture")) rule.isCapturing = true;
    else if (isWord(name, "multiMatch")) rule.isMultiMatch = true;
    else if (isWord(name, "chain")) rule.isChainOpen = true;
    else if (isWord(name, "log")) {
      rule.isLogged = true;
      rule.isAudited = true;
      rule.hasLogWord = true;
    } else if (isWord(name, "nolog")) {
      rule.isLogged = false;
      rule.isAudited = false;
      rule.hasLogWord = true;
    } else if (isWord(name, "auditlog")) rule.isAudited = true;
    else if (isWord(name, "noauditlog")) rule.isAudited = false;
    else return false;
    return true;
  }

  private disruption(name: Bytes, value: Bytes, rule: Rule): bool {
    if (isWord(name, "deny")) rule.disruption = DO_DENY;
    else if (isWord(name, "drop")) rule.disruption = DO_DROP;
    else if (isWord(name, "block")) rule.disruption = DO_BLOCK;
    else if (isWord(name, "pass")) rule.disruption = DO_PASS;
    else if (isWord(name, "allow")) {
      if (value.length == 0) rule.disruption = DO_ALLOW;
      else if (isWord(value, "phase")) rule.disruption = DO_ALLOW_PHASE;
      else if (isWord(value, "request")) rule.disruption = DO_ALLOW_REQUEST;
      else {this.problems.error(
          rule.place,
          '"allow" takes "phase", "request" or nothing',
        );}
    } else if (isWord(name, "redirect")) {
      rule.disruption = DO_REDIRECT;
      rule.redirect = this.macros.read(value, rule.place);
    } else if (isWord(name, "status")) {
      rule.status = this.number(name, value, rule.place);
      if (rule.status < 100 || rule.status > 599) {
        this.problems.error(rule.place, "a status is from 100 to 599");
      }
    } else if (isWord(name, "skip")) {
      rule.skip = this.number(name, value, rule.place);
    } else if (isWord(name, "skipAfter")) rule.skipAfter = value;
    else return false;
    return true;
  }

  private change(name: Bytes, value: Bytes, rule: Rule): bool {
    if (isWord(name, "setvar")) {
      readSetVar(value, rule, this.macros, this.problems);
    } else if (isWord(name, "ctl")) readCtl(value, rule, this);
    else if (isWord(name, "expirevar")) this.expiration(value, rule);
    else if (isWord(name, "initcol")) this.collection(value, rule);
    else if (isWord(name, "setsid")) this.named("session", value, rule);
    else if (isWord(name, "setuid")) this.named("user", value, rule);
    else if (isWord(name, "setrsc")) this.named("resource", value, rule);
    else return false;
    return true;
  }

  private transform(value: Bytes, rule: Rule): void {
    rule.hasOwnTransforms = true;
    if (isWord(value, "none")) {
      rule.transforms = [-1];
      return;
    }
    const id = transformId(value.asText());
    if (id >= 0) rule.transforms.push(id);
    else {this.problems.error(
        rule.place,
        'there is no transformation "' + value.toString() + '"',
      );}
  }

  private number(name: Bytes, value: Bytes, place: Place): i32 {
    const number = wholeNumber(value, -1);
    if (number >= 0) return number;
    this.problems.error(
      place,
      '"' + name.toString() + '" takes a whole number, not "' +
        value.toString() + '"',
    );
    return 0;
  }

  private phase(value: Bytes, place: Place): i32 {
    if (isWord(value, "request")) return 2;
    if (isWord(value, "response")) return 4;
    if (isWord(value, "logging")) return 5;
    const number = wholeNumber(value, 0);
    if (number >= 1 && number <= 5) return number;
    this.problems.error(
      place,
      'a phase is from 1 to 5, or "request", "response" or "logging"',
    );
    return 2;
  }

  private severity(value: Bytes, place: Place): i32 {
    const number = wholeNumber(value, -1);
    if (number >= 0 && number < SEVERITIES.length) return number;
    for (let index = 0; index < SEVERITIES.length; index++) {
      if (isWord(value, SEVERITIES[index])) return index;
    }
    this.problems.error(
      place,
      'a severity is from 0 to 7, or one of "' + SEVERITIES.join('", "') + '"',
    );
    return -1;
  }

  /** `ip.counter=60`. */
  private expiration(value: Bytes, rule: Rule): void {
    const dot = value.indexOfByte(0x2e);
    const equals = value.indexOfByte(0x3d);
    const action = new StoreAction();
    action.store = dot < 0 ? -1 : variableOf(part(value, 0, dot));
    if (equals < dot || action.store < VAR_TX || action.store > VAR_USER + 1) {
      this.problems.error(
        rule.place,
        '"expirevar" is written expirevar:collection.name=seconds',
      );
      return;
    }
    action.name = this.macros.read(part(value, dot + 1, equals), rule.place);
    action.value = this.macros.read(
      part(value, equals + 1, value.length),
      rule.place,
    );
    rule.expirations.push(action);
  }

  /** `ip=%{REMOTE_ADDR}`. */
  private collection(value: Bytes, rule: Rule): void {
    const equals = value.indexOfByte(0x3d);
    if (equals < 0) {
      this.problems.error(
        rule.place,
        '"initcol" is written initcol:collection=key',
      );
      return;
    }
    this.named(
      trimmed(part(value, 0, equals)).toString(),
      part(value, equals + 1, value.length),
      rule,
    );
  }

  private named(collection: string, key: Bytes, rule: Rule): void {
    const action = new StoreAction();
    action.store = variableOf(Bytes.of(collection));
    if (action.store < VAR_IP || action.store > VAR_USER + 1) {
      this.problems.error(
        rule.place,
        'there is no collection "' + collection +
          '"; there are ip, global, session, user and resource',
      );
      return;
    }
    action.value = this.macros.read(key, rule.place);
    rule.initCollections.push(action);
  }
}

/** Where the value of an action ends: at a comma outside quotation marks. */
function valueEnd(text: Bytes, from: i32): i32 {
  for (let index = from; index < text.length; index++) {
    const byte = text.byteAt(index);
    if (byte == 0x2c) return index;
    if (byte == 0x5c) index++;
    else if (byte == 0x27) {
      const end = closingQuote(text, index);
      if (end < 0) return text.length;
      index = end;
    }
  }
  return text.length;
}

/** A value without the quotation marks around it. */
function unwrapped(value: Bytes): Bytes {
  const isQuoted = value.length > 1 && value.byteAt(0) == 0x27 &&
    value.byteAt(value.length - 1) == 0x27;
  return isQuoted ? unquoted(part(value, 1, value.length - 1), 0x27) : value;
}
