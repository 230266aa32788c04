import { deepEqual, equal } from "node:assert/strict";
import { hasModSecurity, MODSECURITY_SERVERS } from "../../support/modsecurity.ts";
import { judge, type Observation } from "./judge.ts";
import { requestBytes, type RequestSpec } from "./request_bytes.ts";
import { runSuite } from "./run_suite.ts";
import type { CrsSettings } from "./settings.ts";
import { KNOWN } from "./known.ts";
import { crsRules, startPeer, startSentinelPeer } from "./socket_contender.ts";
import { crsFolder, NO_CRS, readSuite, readTests } from "./suite.ts";

const PLAIN: RequestSpec = {
  method: "GET",
  uri: "/",
  version: "HTTP/1.1",
  headers: [["Host", "localhost"]],
  data: "",
  encodedRequest: undefined,
  autocomplete: true,
};

const REQUESTS: readonly {
  name: string;
  spec: Partial<RequestSpec>;
  want: string;
}[] = [
  {
    name: "a plain GET",
    spec: {},
    want: "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
  },
  {
    name: "nothing is added when that is not wanted",
    spec: { autocomplete: false, data: "a=b c", version: "" },
    want: "GET / \r\nHost: localhost\r\n\r\na=b c",
  },
  {
    name: "form data is encoded",
    spec: { method: "POST", data: "a=b c&d" },
    want: "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
      "Connection: close\r\nContent-Length: 7\r\n\r\na=b+c&d",
  },
  {
    name: "form data that is encoded already stays",
    spec: {
      method: "POST",
      data: "a=%3c b",
      headers: [["Connection", "keep-alive"]],
    },
    want: "POST / HTTP/1.1\r\nConnection: keep-alive\r\nContent-Type: application/x-www-form-urlencoded\r\n" +
      "Content-Length: 7\r\n\r\na=%3c b",
  },
  {
    name: "a POST without a body has a length",
    spec: { method: "POST" },
    want: "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
  },
  {
    name: "lines of a multipart body end in CRLF",
    spec: {
      method: "POST",
      headers: [["content-type", "multipart/form-data; boundary=x"]],
      data: "--x\n--x--",
    },
    want: "POST / HTTP/1.1\r\ncontent-type: multipart/form-data; boundary=x\r\nConnection: close\r\n" +
      "Content-Length: 10\r\n\r\n--x\r\n--x--",
  },
  {
    name: "an encoded request is all there is",
    spec: { encodedRequest: "R0VU\nIC8=", data: "x" },
    want: "GET /",
  },
];

for (const { name, spec, want } of REQUESTS) {
  Deno.test(`crs runner, request: ${name}`, () => {
    equal(new TextDecoder().decode(requestBytes({ ...PLAIN, ...spec })), want);
  });
}

const SEEN: Observation = {
  status: 200,
  response: "HTTP/1.1 200 OK\r\n\r\nhello",
  ids: new Set([1, 2]),
  messages: "first\nsecond",
};

const VERDICTS: readonly {
  name: string;
  output: string;
  seen?: Partial<Observation>;
  problems: number;
}[] = [
  { name: "nothing expected", output: "", problems: 0 },
  {
    name: "a match expected and there",
    output: "log: { expect_ids: [1] }",
    problems: 0,
  },
  {
    name: "a match expected and missing",
    output: "log: { expect_ids: [1, 3] }",
    problems: 1,
  },
  {
    name: "a match not wanted",
    output: "log: { no_expect_ids: [2] }",
    problems: 1,
  },
  {
    name: "a match not wanted and not there",
    output: "log: { no_expect_ids: [3] }",
    problems: 0,
  },
  { name: "a message", output: "log: { match_regex: 'sec.nd' }", problems: 0 },
  {
    name: "no such message",
    output: "log: { match_regex: 'third' }",
    problems: 1,
  },
  {
    name: "a message not wanted",
    output: "log: { no_match_regex: 'first' }",
    problems: 1,
  },
  { name: "another status", output: "status: 403", problems: 1 },
  { name: "one of some statuses", output: "status: [403, 200]", problems: 0 },
  {
    name: "text of the response",
    output: "response_contains: hell",
    problems: 0,
  },
  { name: "no such text", output: "response_contains: heaven", problems: 1 },
  {
    name: "no response",
    output: "log: { expect_ids: [1] }",
    seen: { status: undefined },
    problems: 1,
  },
  {
    name: "no response, as expected",
    output: "expect_error: true",
    seen: { status: undefined },
    problems: 0,
  },
  {
    name: "a response instead of an error",
    output: "expect_error: true",
    problems: 1,
  },
];

for (const { name, output, seen, problems } of VERDICTS) {
  Deno.test(`crs runner, verdict: ${name}`, () => {
    const [test] = readTests(`rule_id: 1
tests: [{ test_id: 1, stages: [{ input: { uri: / }, output: { ${output} } }] }]`);
    equal(
      judge(test!.stages[0]!.expectation, { ...SEEN, ...seen }).length,
      problems,
    );
  });
}

const folder = crsFolder();
if (folder === undefined) console.log(NO_CRS);

/** Every so manyth test is enough to see that the runner judges as the suite's own does; `run.ts` runs all. */
const PEER_STRIDE = 20;

/**
 * Rules of whose tests nginx with libmodsecurity 3.0.9 fails some: of 2942 tests 51. Five are answers of nginx
 * itself to broken requests; the rest are matches too many (first rules of chains) or missing.
 */
const NGINX_DEVIATES = new Set([
  ...[920181, 920270, 920274, 920430, 920620],
  ...[922110, 933110, 933220, 942131, 944110, 944120, 944210],
]);

for (const server of MODSECURITY_SERVERS) {
  const ignore = folder === undefined ||
    (!hasModSecurity(server) && Deno.env.get("CI") === undefined);
  Deno.test({
    name: `crs: ${server} with ModSecurity passes a sample of the suite`,
    ignore,
  }, async () => {
    const settings: CrsSettings = {
      folder: folder!,
      engine: "DetectionOnly",
      paranoiaLevel: 4,
      forTests: true,
    };
    const tests = readSuite(folder!).filter((test, index) =>
      index % PEER_STRIDE === 0 &&
      (server !== "nginx" || !NGINX_DEVIATES.has(test.ruleId))
    );
    await using peer = await startPeer(server, crsRules(settings));
    const { failures } = await runSuite(peer, tests);
    deepEqual(
      failures.map((each) => `${each.title}: ${each.problems.join("; ")}`),
      [],
    );
  });
}

Deno.test({
  name: "crs: Sentinel passes the suite, but for what a proxy does before rules run",
  ignore: folder === undefined,
}, async () => {
  await using sentinel = await startSentinelPeer(
    crsRules({ folder: folder!, engine: "DetectionOnly", paranoiaLevel: 4, forTests: true }),
  );
  const tests = readSuite(folder!);
  const { failures } = await runSuite(sentinel, tests);
  const unknown = failures.filter(({ title }) => !KNOWN.has(title));
  deepEqual(unknown.map((each) => `${each.title}: ${each.problems.join("; ")}`), []);
  const failed = new Set(failures.map(({ title }) => title));
  const passed = tests.filter(({ title }) => KNOWN.has(title) && !failed.has(title));
  if (passed.length > 0) console.log(`No longer failing: ${passed.map(({ title }) => title).join(", ")}`);
});
