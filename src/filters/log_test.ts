import assert from "node:assert/strict";
import {
  filterDeps,
  optionsOf,
  plainResponse,
  readFilter,
  requestContext,
} from "../../tests/support/filter_fixture.ts";
import { log } from "./log.ts";

function linesOf(body: string) {
  const deps = filterDeps();
  const filter = log.create(optionsOf(log, body), deps);
  const context = requestContext({
    target: "/a?token=secret&x=1",
    headers: [["User-Agent", "ua"], ["Referer", "http://r.test/?password=secret"]],
  });
  filter.onRequest?.(context);
  filter.onResponse?.(context, plainResponse([], 201));
  return deps.lines;
}

Deno.test("a line for the request and one for the response", () => {
  const about = {
    filter: "f",
    request_id: "request-1",
    method: "GET",
    host: "www.example",
    path: "/a",
    client_ip: "192.0.2.1",
    route_id: "r",
  };
  assert.deepEqual(linesOf(""), [
    { level: "info", message: "Request", fields: about },
    { level: "info", message: "Response", fields: { ...about, status: 201, duration_ms: 234.5 } },
  ]);
});

Deno.test("phases, level and fields", () => {
  assert.deepEqual(
    linesOf(`log-request #false\nlevel "debug"\nfields "query" "user-agent" "referer" "target"`),
    [{
      level: "debug",
      message: "Response",
      fields: {
        filter: "f",
        query: "token=[redacted]&x=1",
        user_agent: "ua",
        referer: "http://r.test/?password=[redacted]",
      },
    }],
  );
  assert.deepEqual(linesOf("log-response #false").map((line) => line.message), ["Request"]);
});

Deno.test("what a log filter refuses", () => {
  assert.match(readFilter(log, "log-body #true").problems.join(), /log-body" is not available/);
  assert.deepEqual(readFilter(log, "log-body #false").problems, []);
  assert.match(readFilter(log, "max-body-log-size 10").problems.join(), /not available/);
  assert.match(readFilter(log, `level "loud"`).problems.join(), /one of "trace"/);
  assert.match(readFilter(log, `fields "cookie"`).problems.join(), /no field "cookie"/);
  assert.match(readFilter(log, "log-request #false\nlog-response #false").problems.join(), /logs nothing/);
});
