/** Directives about the engine rather than about a rule. */

import { assets, Bytes, Text } from "sentinel";
import { setUnicodeMap } from "../transforms/unicode_map";
import { engineMode, onOff } from "./ctls";
import { folderOf } from "./file_names";
import { Place } from "./problems";
import { RuleSet } from "./rule_set";
import { LIMIT_PARTIAL, LIMIT_REJECT } from "./settings";
import { isWord, wholeNumber } from "./words";

/** Accepted, for rule files have them, but something else takes their place or there is nothing to set. */
const WITHOUT_EFFECT: string[] = [
  "SecAuditEngine",
  "SecAuditLog",
  "SecAuditLog2",
  "SecAuditLogDirMode",
  "SecAuditLogFileMode",
  "SecAuditLogFormat",
  "SecAuditLogParts",
  "SecAuditLogPrefix",
  "SecAuditLogRelevantStatus",
  "SecAuditLogStorageDir",
  "SecAuditLogType",
  "SecDebugLog",
  "SecDebugLogLevel",
  "SecTmpDir",
  "SecDataDir",
  "SecUploadDir",
  "SecUploadFileMode",
  "SecUploadKeepFiles",
  "SecTmpSaveUploadedFiles",
  "SecUnicodeCodePage",
  "SecStatusEngine",
  "SecServerSignature",
  "SecPcreMatchLimit",
  "SecPcreMatchLimitRecursion",
  "SecConnEngine",
  "SecConnReadStateLimit",
  "SecConnWriteStateLimit",
  "SecGuardianLog",
  "SecWebAppId",
  "SecSensorId",
  "SecInterceptOnError",
  "SecChrootDir",
  "SecHttpBlKey",
  "SecGeoLookupDb",
  "SecGsbLookupDb",
  "SecRequestBodyInMemoryLimit",
  "SecStreamInBodyInspection",
  "SecStreamOutBodyInspection",
  "SecXmlExternalEntity",
  "SecRuleInheritance",
  "SecRulePerfTime",
  "SecContentInjection",
  "SecDisableBackendCompression",
  "SecHashEngine",
  "SecHashKey",
  "SecHashParam",
  "SecHashMethodRx",
  "SecHashMethodPm",
  "SecCacheTransformations",
  "SecParseXmlIntoArgs",
  "SecReadStateLimit",
  "SecWriteStateLimit",
];

const REFUSED: string[] = [
  "SecRuleScript",
  "SecRemoteRules",
  "SecRemoteRulesFailAction",
];

/** Takes a directive over; false when it is none of these. */
export function readEngineDirective(
  words: Bytes[],
  place: Place,
  rules: RuleSet,
): bool {
  const name = words[0];
  const value: Bytes = words.length > 1 ? words[1] : Text.of("");
  if (isOneOf(name, WITHOUT_EFFECT)) {
    const isLog = name.asText().slice(0, 8).is("SecAudit") ||
      name.asText().slice(0, 8).is("SecDebug");
    rules.problems.warn(
      place,
      name.toString() +
        (isLog ? " has no effect here: the proxy has logs of its own" : " has no effect here"),
    );
    return true;
  }
  if (isOneOf(name, REFUSED)) {
    rules.problems.error(
      place,
      name.toString() +
        " is not supported: rules are files, and cannot run programs",
    );
    return true;
  }
  return readSwitch(name, value, place, rules) ||
    readLimit(name, value, place, rules) ||
    readRest(words, value, place, rules);
}

function readSwitch(
  name: Bytes,
  value: Bytes,
  place: Place,
  rules: RuleSet,
): bool {
  const settings = rules.settings;
  let read = 0;
  if (isWord(name, "SecRuleEngine")) {
    read = engineMode(value);
    settings.engine = read;
  } else if (isWord(name, "SecRequestBodyAccess")) {
    read = onOff(value);
    settings.readsRequestBody = read == 1;
  } else if (isWord(name, "SecResponseBodyAccess")) {
    read = onOff(value);
    settings.readsResponseBody = read == 1;
  } else if (isWord(name, "SecRequestBodyLimitAction")) {
    read = limitAction(value);
    settings.requestBodyLimitAction = read;
  } else if (isWord(name, "SecResponseBodyLimitAction")) {
    read = limitAction(value);
    settings.responseBodyLimitAction = read;
  } else return false;
  if (read < 0) {
    rules.problems.error(
      place,
      name.toString() + ' cannot be "' + value.toString() + '"',
    );
  }
  return true;
}

function readLimit(
  name: Bytes,
  value: Bytes,
  place: Place,
  rules: RuleSet,
): bool {
  const settings = rules.settings;
  const number = wholeNumber(value, -1);
  if (isWord(name, "SecRequestBodyLimit")) settings.requestBodyLimit = number;
  else if (isWord(name, "SecRequestBodyNoFilesLimit")) {
    settings.requestBodyNoFilesLimit = number;
  } else if (isWord(name, "SecResponseBodyLimit")) {
    settings.responseBodyLimit = number;
  } else if (isWord(name, "SecRequestBodyJsonDepthLimit")) {
    settings.jsonDepthMax = number;
  } else if (isWord(name, "SecUploadFileLimit")) settings.filesMax = number;
  else if (isWord(name, "SecArgumentsLimit")) settings.argumentsMax = number;
  else if (isWord(name, "SecCollectionTimeout")) {
    settings.collectionTimeoutS = number;
  } else return false;
  if (number < 0) {
    rules.problems.error(place, name.toString() + " takes a whole number");
  }
  return true;
}

function readRest(
  words: Bytes[],
  value: Bytes,
  place: Place,
  rules: RuleSet,
): bool {
  const settings = rules.settings;
  const name = words[0];
  if (isWord(name, "SecResponseBodyMimeType")) {
    settings.responseTypes = [];
    for (let index = 1; index < words.length; index++) {
      settings.responseTypes.push(words[index]);
    }
  } else if (isWord(name, "SecResponseBodyMimeTypesClear")) {
    settings.responseTypes = [];
  } else if (isWord(name, "SecUnicodeMapFile")) readUnicodeMap(words, value, place, rules);
  else if (isWord(name, "SecComponentSignature")) {
    settings.signature = value.asText();
  } else if (isWord(name, "SecArgumentSeparator")) {
    if (
      value.length == 1 && (value.byteAt(0) == 0x26 || value.byteAt(0) == 0x3b)
    ) settings.argumentSeparator = value.byteAt(0);
    else rules.problems.error(place, 'SecArgumentSeparator is "&" or ";"');
  } else if (isWord(name, "SecCookieFormat")) {
    if (isWord(value, "1")) {
      rules.problems.warn(place, "SecCookieFormat 1 has no effect: browsers have only ever sent version 0");
    } else if (!isWord(value, "0")) rules.problems.error(place, "SecCookieFormat is 0 or 1");
  } else return false;
  return true;
}

/** `SecUnicodeMapFile unicode.mapping 20127`: what the characters of `%u0041` become. */
function readUnicodeMap(words: Bytes[], value: Bytes, place: Place, rules: RuleSet): void {
  const name = value.toString();
  const beside = assets.read(folderOf(place.file) + name);
  const content = beside === null ? assets.read(name) : beside;
  if (content === null) {
    rules.problems.warn(place, 'SecUnicodeMapFile has no effect: there is no file "' + name + '"');
    return;
  }
  const page = words.length > 2 ? words[2].asText() : Text.of("20127");
  if (!setUnicodeMap(content, page)) {
    rules.problems.error(place, name + " has no code page " + page.toString());
  }
}

function limitAction(word: Bytes): i32 {
  if (isWord(word, "Reject")) return LIMIT_REJECT;
  return isWord(word, "ProcessPartial") ? LIMIT_PARTIAL : -1;
}

function isOneOf(word: Bytes, names: string[]): bool {
  for (let index = 0; index < names.length; index++) {
    if (isWord(word, names[index])) return true;
  }
  return false;
}
