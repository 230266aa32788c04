/** Requests, bodies and responses that are given to `waf explain`, and its JSON. */

import { deepEqual, equal, match } from "node:assert/strict";
import { RULES, Stage } from "../../tests/support/waf_stage.ts";

const FORM = "Content-Type: application/x-www-form-urlencoded";

Deno.test("waf explain: a request's head in one file and its body in another, or typed", async () => {
  const head = ["POST /?x=1 HTTP/1.1", "Host: a.example", FORM];
  await using stage = await Stage.make({
    "a.conf": RULES,
    "head": [...head, "", ""].join("\r\n"),
    "sized": [...head, "Content-Length: 6", "", ""].join("\n"),
    "chunked": [...head, "Transfer-Encoding: chunked", "", ""].join("\r\n"),
    "body": "q=evil",
    "long": "q=evil&r=1",
  });
  for (const name of ["head", "sized", "chunked"]) {
    const { status, out, err } = await stage.explain(
      "--raw",
      stage.path(name),
      "--body-file",
      stage.path("body"),
    );
    equal(status, 3, name + err);
    match(out, /^ {2}variable {2}ARGS:q$/m);
  }
  equal((await stage.explain("--raw", stage.path("head"), "-d", "q=evil")).status, 3);
  equal((await stage.explain("-r", "POST https://a/", "-H", FORM, "--body", "q=evil")).status, 3);
  equal((await stage.explain("-r", "POST https://a/", "-H", FORM, "--body", "q=good")).status, 0);
  const wrong = await stage.explain("--raw", stage.path("sized"), "--body-file", stage.path("long"));
  equal(wrong.status, 2);
  match(wrong.err, /^error: the body has 10 bytes, and Content-Length in --raw says 6/);
  const two = await stage.explain("--raw", stage.path("head"), "-d", "a", "--body-file", stage.path("body"));
  equal(two.status, 2);
  match(two.err, /^error: --body and --body-file are two bodies/);
});

const ANSWERS = String.raw`SecResponseBodyAccess On
SecResponseBodyMimeType text/html
SecRule RESPONSE_STATUS "@streq 500" "id:30,phase:3,deny,status:502,msg:'Broken'"
SecRule RESPONSE_HEADERS:X-Debug "@rx ." "id:31,phase:3,pass,log,msg:'Debug'"
SecRule RESPONSE_BODY "@rx ORA-\d+" "id:32,phase:4,deny,status:503,msg:'Leak',setvar:tx.outbound_anomaly_score=+4"
`;

function answer(status: string, headers: readonly string[], body: string): string {
  return [`HTTP/1.1 ${status}`, ...headers, "", body].join("\r\n");
}

const HTML = "Content-Type: text/html; charset=utf-8";

const RESPONSES = [
  { name: "nothing", file: answer("200 OK", [HTML], "fine"), status: 0, want: /^verdict {3}allow$/m },
  {
    name: "a status",
    file: answer("500 Oh", [HTML], ""),
    status: 3,
    want: /^rule 30 .*phase 3.*\n(?:.*\n)*verdict {3}block 502 by rule 30$/m,
  },
  {
    name: "a header",
    file: answer("200 OK", [HTML, "X-Debug: 1"], "fine"),
    status: 0,
    want: /^rule 31 {2}Debug/m,
  },
  {
    name: "a body up to the end of the file",
    file: answer("200 OK", [HTML], "x ORA-01756 y"),
    status: 3,
    want: /^ {2}variable {2}RESPONSE_BODY\n(?:.*\n)*scores .*outbound 4\nverdict {3}block 503 by rule 32$/m,
  },
  {
    name: "a body in chunks",
    file: answer("200 OK", [HTML, "Transfer-Encoding: chunked"], "4\r\nORA-\r\n1\r\n7\r\n0\r\n\r\n"),
    status: 3,
    want: /block 503 by rule 32/,
  },
  {
    name: "a body of a length, in a file from an editor",
    file: answer("200 OK", [HTML, "Content-Length: 5"], "ORA-7 and more").replaceAll("\r\n", "\n"),
    status: 3,
    want: /block 503 by rule 32/,
  },
  {
    name: "a body that no rule is shown",
    file: answer("200 OK", ["Content-Type: image/png"], "ORA-01756"),
    status: 0,
    want: /^note {6}no rule is shown the response's body: /m,
  },
] as const;

Deno.test("waf explain: what rules say of a response", async () => {
  const files = Object.fromEntries(RESPONSES.map(({ file }, index) => [`response-${index}`, file]));
  await using stage = await Stage.make({ "a.conf": ANSWERS, ...files, "none": "hello\n\n" });
  for (const [index, { name, status, want }] of RESPONSES.entries()) {
    const outcome = await stage.explain("-r", "https://a/", "--response", stage.path(`response-${index}`));
    equal(outcome.status, status, name + outcome.err + outcome.out);
    match(outcome.out, want, name);
  }
  const none = await stage.explain("-r", "https://a/", "--response", stage.path("none"));
  equal(none.status, 2);
  match(none.err, /^error: --response .* is no response that the proxy takes: the answer is not HTTP\/1/);
});

Deno.test("waf explain: a body that is given and that no rule is shown is told", async () => {
  await using stage = await Stage.make({ "a.conf": `${RULES}SecRequestBodyAccess Off\n` });
  const { status, out } = await stage.explain("-r", "POST https://a/", "-H", FORM, "-d", "q=evil");
  equal(status, 0);
  match(out, /^note {6}no rule is shown the request's body: /m);
});

Deno.test("waf explain: JSON has all that is said of a match, also of a response and of a refusal", async () => {
  const long = `${"y".repeat(2000)}evil7${"z".repeat(2000)}`;
  await using stage = await Stage.make({
    "a.conf": RULES + ANSWERS,
    "twice": "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "response": answer("500 Oh", [HTML], ""),
  });
  const blocked = await stage.explain("-r", `https://a.example/?q=${long}`, "--json");
  equal(blocked.status, 3);
  const { request, matches, ...said } = JSON.parse(blocked.out);
  deepEqual(request, { method: "GET", scheme: "https", authority: "a.example", target: `/?q=${long}` });
  deepEqual(matches[0], {
    id: 10,
    phase: 2,
    msg: "Evil words",
    severity: 2,
    tags: ["paranoia-level/1"],
    var: "ARGS:q",
    value: `${"y".repeat(64)}evil7${"z".repeat(443)}`,
    match: "evil7",
    valueFrom: 1936,
    valueBytes: 4005,
    data: "Matched Data: evil7 found within ARGS:q",
    score: 5,
    file: stage.path("a.conf"),
    line: 1,
  });
  deepEqual(said, {
    leftOut: 0,
    inbound: 5,
    isBlocked: true,
    decision: "block 406",
    rule: 20,
    unreadBodies: [],
    isDetectedOnly: false,
    reasons: ["WAF_BLOCKED"],
  });
  const answered = await stage.explain("-r", "https://a/", "--response", stage.path("response"), "--json");
  const { decision, rule } = JSON.parse(answered.out);
  deepEqual([answered.status, decision, rule], [3, "block 502", 30]);
  const refused = await stage.explain("--raw", stage.path("twice"), "--json");
  const { isBlocked, matches: none, reasons } = JSON.parse(refused.out);
  deepEqual([refused.status, isBlocked, none], [3, true, []]);
  match(reasons[0], /more than one Host/);
});
