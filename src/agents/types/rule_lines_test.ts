import { deepEqual, equal } from "node:assert/strict";
import { ruleReferences } from "./rule_lines.ts";

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
SecRule ARGS @pmf "id:7"`.replaceAll("\n", "\r\n")),
    [
      "2 include rules/a.conf",
      "3 include-optional with blank.conf",
      "4 data a.data",
      "5 data b.data",
      "9 data /etc/c.data",
      "10 data d.data",
    ],
  );
});

Deno.test("rule lines: whether bodies of responses are looked at", () => {
  for (
    const [text, want] of [
      ["SecResponseBodyAccess On", true],
      [`  secresponsebodyaccess "on"`, true],
      ["SecResponseBodyAccess Off", false],
      ["# SecResponseBodyAccess On", false],
      ["SecAction id:1,ctl:responseBodyAccess=On", true],
      ["SecAction id:1,ctl:requestBodyAccess=On", false],
    ] as const
  ) equal(ruleReferences(text).readsResponseBodies, want, text);
});
