/** Rule files put together at random: from the grammar of the language, and from real directives that are spoilt. */

import type { SeededRandom } from "../../../tests/support/mutations.ts";

const VARIABLES = [
  ..."ARGS ARGS_NAMES ARGS_GET ARGS_POST ARGS_POST_NAMES REQUEST_HEADERS REQUEST_HEADERS_NAMES REQUEST_COOKIES"
    .split(" "),
  ..."REQUEST_COOKIES_NAMES FILES FILES_NAMES FILES_SIZES MULTIPART_PART_HEADERS RESPONSE_HEADERS TX IP GLOBAL"
    .split(" "),
  ..."REQUEST_URI REQUEST_LINE REQUEST_METHOD REQUEST_FILENAME REQUEST_BASENAME QUERY_STRING REQUEST_BODY"
    .split(" "),
  ..."REQUEST_BODY_LENGTH ARGS_COMBINED_SIZE FILES_COMBINED_SIZE FULL_REQUEST REQBODY_ERROR REQBODY_PROCESSOR"
    .split(" "),
  ..."MULTIPART_STRICT_ERROR MULTIPART_UNMATCHED_BOUNDARY URLENCODED_ERROR INBOUND_DATA_ERROR REMOTE_ADDR"
    .split(" "),
  ..."RESPONSE_STATUS RESPONSE_BODY MATCHED_VAR MATCHED_VARS MATCHED_VARS_NAMES MATCHED_VAR_NAME".split(" "),
  ..."HIGHEST_SEVERITY UNIQUE_ID TIME_EPOCH XML XML:/* XML://@* GEO FILES_TMP_CONTENT".split(" "),
];

const LISTS = /^(?:ARGS|REQUEST_(?:HEADERS|COOKIES)|FILES|RESPONSE_HEADERS|TX|IP|GLOBAL)/;

const NAMES = ["a", "b", "id", "/^a/", "/\\D/", "/\\d/", "Host", "cookie", "score", "n_a", "json.a", "x-y"];

const TRANSFORMS = [
  ..."none urlDecode urlDecodeUni urlEncode htmlEntityDecode jsDecode cssDecode escapeSeqDecode lowercase uppercase"
    .split(" "),
  ..."compressWhitespace removeWhitespace removeNulls replaceNulls replaceComments removeComments removeCommentsChar"
    .split(" "),
  ..."cmdLine normalizePath normalizePathWin base64Decode base64DecodeExt base64Encode hexDecode hexEncode"
    .split(" "),
  ..."sqlHexDecode utf8toUnicode trim trimLeft trimRight length md5 sha1 parityEven7bit parityZero7bit".split(
    " ",
  ),
];

const MACROS = [
  "%{MATCHED_VAR}",
  "%{MATCHED_VAR_NAME}",
  "%{TX.0}",
  "%{tx.score}",
  "%{ARGS.a}",
  "%{REQUEST_URI}",
  "%{rule.id}",
  "%{ip.n}",
  "%{tx.n_%{ARGS.a}}",
  "%{",
  "%{UNIQUE_ID}",
  "%{REQUEST_BODY}",
];

const PATTERNS = [
  ..."a b+ ^a$ (a|b)+ [^a-z] . ^.*$ (?i)select (\\d+)(\\w*) \\bb\\b (?:a+)+$ <[a-z]+ (?s).+ x{2,40}y ['\\x22] ^(.)(.)(.) \\x00 %[0-9a-f]{2}"
    .split(" "),
];

const DISRUPTIONS = [
  ...Array<string>(24).fill("pass"),
  "deny",
  "deny,status:406",
  "block",
  "drop",
  "allow",
  "allow:phase",
  "allow:request",
  "redirect:'https://x.test/%{ARGS.a}'",
];

const CONTROLS = [
  "ruleEngine=Off",
  "ruleEngine=DetectionOnly",
  "ruleEngine=On",
  "requestBodyProcessor=JSON",
  "requestBodyProcessor=XML",
  "requestBodyProcessor=URLENCODED",
  "requestBodyProcessor=MULTIPART",
  "forceRequestBodyVariable=On",
  "requestBodyAccess=Off",
  "responseBodyAccess=On",
  "requestBodyLimit=64",
  "ruleRemoveById=1-5",
  "ruleRemoveByTag=t1",
  "ruleRemoveByMsg=m",
  "ruleRemoveTargetById=2-9;ARGS:a",
  "ruleRemoveTargetById=3;ARGS:/^a/",
  "ruleRemoveTargetByTag=t[12];ARGS",
  "ruleRemoveTargetByTag=t1;XML:/*",
  "ruleRemoveTargetByMsg=m;REQUEST_HEADERS:cookie",
  "auditEngine=Off",
];

const SETTINGS = [
  "SecRuleEngine On",
  "SecRuleEngine DetectionOnly",
  "SecRequestBodyAccess On",
  "SecRequestBodyLimit 300",
  "SecRequestBodyNoFilesLimit 100",
  "SecRequestBodyLimitAction ProcessPartial",
  "SecRequestBodyJsonDepthLimit 3",
  "SecArgumentsLimit 4",
  "SecUploadFileLimit 1",
  "SecResponseBodyAccess On",
  "SecResponseBodyLimit 100",
  "SecResponseBodyLimitAction Reject",
  'SecDefaultAction "phase:2,log,deny,status:418"',
  'SecDefaultAction "phase:1,log,pass"',
  "SecArgumentSeparator ;",
  "SecCollectionTimeout 60",
];

/** Pieces that spoil a directive. */
const SPOIL = [
  '"',
  "'",
  ",",
  "|",
  "!",
  "&",
  ":",
  "@rx ",
  "\\",
  "\n",
  "%{",
  "}",
  "(",
  "[",
  "chain,",
  "phase:9",
  "\0",
  "\xff",
  " ",
  "id:1",
  "t:",
  "=+",
  "/",
];

/** Puts rule files together. `real` are directives of rule files that exist, each with all of its lines. */
export class RandomRules {
  readonly #random: SeededRandom;
  readonly #real: readonly string[];
  #id = 0;

  constructor(random: SeededRandom, real: readonly string[]) {
    this.#random = random;
    this.#real = real;
  }

  /** The directives of a file; a chain is one. */
  file(): string[] {
    const random = this.#random;
    this.#id = 0;
    const directives: string[] = [];
    for (let count = random.below(4); count > 0; count--) directives.push(random.pick(SETTINGS));
    for (let count = 3 + random.below(16); count > 0; count--) directives.push(this.#directive());
    return directives;
  }

  #directive(): string {
    const random = this.#random;
    const kind = random.below(20);
    if (kind < 11) return this.#rule();
    if (kind < 13) return `SecAction "${this.#actions(false)}"`;
    if (kind === 13) return `SecMarker END${random.below(3)}`;
    if (kind === 14) return this.#update();
    const real = random.pick(this.#real);
    // Of two that are the same the second would be refused for its id.
    const renamed = real.replace(/\bid:\d+/, () => `id:${++this.#id}`);
    return kind < 18 ? renamed : this.#spoilt(renamed);
  }

  #rule(): string {
    const random = this.#random;
    let links = random.below(4) === 0 ? 1 + random.below(3) : 0;
    let text = this.#link(links > 0, true);
    for (; links > 0; links--) text += `\n${this.#link(links > 1, false)}`;
    return text;
  }

  #link(isChained: boolean, isFirst: boolean): string {
    const actions = isFirst ? this.#actions(isChained) : this.#further(isChained);
    return `SecRule ${this.#targets()} "${this.#operator()}" "${actions}"`;
  }

  #targets(): string {
    const random = this.#random;
    return Array.from({ length: 1 + random.below(4) }, (_, index) => {
      const variable = random.pick(VARIABLES);
      const hasName = LISTS.test(variable) && random.below(3) === 0;
      const sign = random.below(8);
      const mark = sign === 0 ? "&" : sign === 1 && index > 0 ? "!" : "";
      return mark + variable + (hasName ? `:${random.pick(NAMES)}` : "");
    }).join("|");
  }

  #operator(): string {
    const random = this.#random;
    const macro = () =>
      random.below(3) === 0 ? random.pick(MACROS) : random.pick(["a", "b", "select", "", "1"]);
    const operators = [
      () => `@rx ${random.pick(PATTERNS)}`,
      () => `@rx ${random.pick(PATTERNS)}${random.pick(PATTERNS)}`,
      () => `@pm ${random.pick(["a b c", "select union", "x-y %41"])}`,
      () =>
        `@${
          random.pick(["streq", "contains", "containsWord", "beginsWith", "endsWith", "within", "strmatch"])
        } ${macro()}`,
      () =>
        `@${random.pick(["eq", "gt", "ge", "lt", "le"])} ${
          random.pick(["0", "1", "5", "-1", "%{tx.score}", "%{ARGS.a}"])
        }`,
      () =>
        `@${
          random.pick([
            "detectSQLi",
            "detectXSS",
            "validateUrlEncoding",
            "validateUtf8Encoding",
            "unconditionalMatch",
            "noMatch",
          ])
        }`,
      () => `@validateByteRange ${random.pick(["1-255", "32-126,9,10", "0"])}`,
      () => `@ipMatch ${random.pick(["192.0.2.0/24", "::1", "%{ARGS.a}"])}`,
      () => `@rsub s/${random.pick(PATTERNS).replaceAll("/", "")}/${random.pick(["x", "\\1\\1", ""])}/g`,
      () => `@verifyCC \\d{4,8}`,
    ];
    return (random.below(6) === 0 ? "!" : "") + random.pick(operators)();
  }

  #actions(isChained: boolean): string {
    const random = this.#random;
    const actions = [`id:${++this.#id}`, `phase:${1 + random.below(5)}`, random.pick(DISRUPTIONS)];
    if (random.below(2) === 0) actions.push("msg:'m %{MATCHED_VAR_NAME}'", `tag:'t${random.below(4)}'`);
    if (random.below(3) === 0) actions.push(`logdata:'${random.pick(MACROS)} ${random.pick(MACROS)}'`);
    if (random.below(3) === 0) {
      actions.push(random.pick(["severity:CRITICAL", "severity:5", "nolog", "auditlog,nolog"]));
    }
    if (random.below(8) === 0) {
      actions.push(random.pick([`skip:${1 + random.below(3)}`, `skipAfter:END${random.below(3)}`]));
    }
    actions.push(this.#further(isChained));
    return actions.join(",");
  }

  /** Actions that every link of a chain may have. */
  #further(isChained: boolean): string {
    const random = this.#random;
    const actions: string[] = [];
    for (let count = random.below(4); count > 0; count--) actions.push(`t:${random.pick(TRANSFORMS)}`);
    if (random.below(3) === 0) actions.push("capture");
    if (random.below(6) === 0) actions.push("multiMatch");
    for (let count = random.below(3); count > 0; count--) actions.push(this.#setVar());
    if (random.below(4) === 0) actions.push(`ctl:${random.pick(CONTROLS)}`);
    if (random.below(8) === 0) {
      actions.push(random.pick(["initcol:ip=%{REMOTE_ADDR}", "initcol:global=g", "setsid:%{ARGS.a}"]));
    }
    if (isChained) actions.push("chain");
    return actions.length === 0 ? "t:none" : actions.join(",");
  }

  #setVar(): string {
    const random = this.#random;
    const name = random.pick([
      "tx.score",
      "tx.a",
      "tx.n_%{MATCHED_VAR_NAME}",
      "tx.%{ARGS.a}",
      "ip.n",
      "global.%{MATCHED_VAR}",
      "tx.0",
    ]);
    const value = random.pick([
      "=1",
      "=+5",
      "=-2",
      "=+%{ARGS.a}",
      `='${random.pick(MACROS)}${random.pick(MACROS)}'`,
      "=%{tx.score}",
    ]);
    return random.below(10) === 0
      ? `setvar:!${name}`
      : `setvar:${value.startsWith("='") ? `'${name}${value.replaceAll("'", "")}'` : `'${name}${value}'`}`;
  }

  #update(): string {
    const random = this.#random;
    const id = 1 + random.below(12);
    return random.pick([
      `SecRuleUpdateTargetById ${id} "!${random.pick(VARIABLES)}"`,
      `SecRuleUpdateTargetById ${id} "!ARGS:${random.pick(NAMES)}"`,
      `SecRuleUpdateTargetByTag t${random.below(4)} "!ARGS:/^a/|!XML:/*"`,
      `SecRuleUpdateTargetByMsg "^m" "!REQUEST_COOKIES"`,
      `SecRuleUpdateTargetById ${id} "REQUEST_URI" "ARGS"`,
      `SecRuleUpdateActionById ${id} "pass,t:none,t:lowercase"`,
      `SecRuleUpdateActionById ${id}:1 "nolog"`,
      `SecRuleRemoveById ${id} 20-30`,
      `SecRuleRemoveByTag t${random.below(4)}`,
      'SecRuleRemoveByMsg "m A"',
    ]);
  }

  #spoilt(directive: string): string {
    const random = this.#random;
    let text = directive;
    for (let count = 1 + random.below(3); count > 0; count--) {
      const at = random.below(text.length);
      const kind = random.below(3);
      const until = kind === 0 ? at : at + 1 + random.below(kind === 1 ? 2 : 12);
      text = text.slice(0, at) + (kind === 2 ? "" : random.pick(SPOIL)) + text.slice(until);
    }
    return text;
  }
}

/** The directives of a rule file, each with the lines that go on and the links of its chain. */
export function directivesOf(text: string): string[] {
  const directives: string[] = [];
  const lines = text.replace(/\\\n/g, "").split("\n");
  for (const line of lines.filter((each) => /^\s*Sec/.test(each))) {
    const last = directives.at(-1);
    if (last !== undefined && /[",]\s*chain\b[^"]*"\s*$/.test(last)) {
      directives[directives.length - 1] = `${last}\n${line}`;
    } else directives.push(line);
  }
  return directives;
}
