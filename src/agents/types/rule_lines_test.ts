import { deepEqual } from "node:assert/strict";
import { countRules, ruleReferences } from "./rule_lines.ts";

function named(text: string): string[] {
  return ruleReferences(text).files.map(({ kind, name, line }) => `${line} ${kind} ${name}`);
}

Deno.test("rule lines: includes and data files, wherever they stand", () => {
  deepEqual(
    named(String.raw`# Include "no.conf"
Include rules/a.conf
includeoptional "with blank.conf"
SecRule ARGS "@pmFromFile a.data" "id:1"
SecRule ARGS|REQUEST_HEADERS:/"x"/ \
    "!@ipMatchF  b.data" \
# SecRule ARGS "@pmf no.data"
    "id:2,chain"
  SecRule 'REMOTE_ADDR' '@ipMatchFromFile /etc/c.data' 'id:3'
SecRule ARGS "@PMF d.data" "id:4"
SecRule ARGS "@rx @pmFromFile no.data" "id:5,msg:'\"@pmf no.data\"'"
SecAction "id:6,msg:'Include no.conf'"
SecUnicodeMapFile unicode.mapping 20127
SecRule ARGS @pmf "id:7"`.replaceAll("\n", "\r\n")),
    [
      "2 include rules/a.conf",
      "3 include-optional with blank.conf",
      "4 data a.data",
      "5 data b.data",
      "9 data /etc/c.data",
      "10 data d.data",
      "13 data-optional unicode.mapping",
    ],
  );
});

Deno.test("rule lines: how long bodies may be, and whether anything is blocked", () => {
  const text =
    `SecRequestBodyLimit 100\n  secrequestbodylimit "200"\nSecResponseBodyLimit 5\n# SecResponseBodyLimit 6
SecRequestBodyLimitAction Reject\nSecRequestBodyLimit much`;
  deepEqual(settingsOf(text), { requestBytes: 200, responseBytes: 5 });
  deepEqual(settingsOf("SecRequestBodyNoFilesLimit 7"), {});
  deepEqual(settingsOf("SecRuleEngine On"), { onlyDetects: false });
  deepEqual(settingsOf("SecRuleEngine On\nSecRuleEngine detectiononly"), { onlyDetects: true });
});

Deno.test("rule lines: how many rules there are; a chain is one", () => {
  const counts = countRules([
    String.raw`# SecRule ARGS "no" "id:1"
SecAction "id:1,phase:1,pass,msg:'not a chain'"
SecRule ARGS "@rx a" \
    "id:2,chain,tag:'paranoia-level/2'"
  SecRule ARGS "@rx , chain ," "tag:'paranoia-level/2', chain "
    SecRule ARGS "@rx c"
secrule ARGS "@rx d" "id:3,tag:paranoia-level/2"
SecMarker END`,
    'SecRule ARGS "@rx e" "id:4,tag:\'paranoia-level/4\'"\nSecRuleEngine On',
  ]);
  deepEqual(counts, { rules: 4, conditions: 2, markers: 1, levels: new Map([[2, 2], [4, 1]]) });
});

function settingsOf(text: string): object {
  return Object.assign({}, ...ruleReferences(text).settings.map(({ settings }) => settings));
}
