import assert from "node:assert/strict";
import { filterDeps, optionsOf, readFilter, requestContext } from "../../tests/support/filter_fixture.ts";
import { timeout } from "./timeout.ts";

const run = (body: string, deadlineMs = Infinity) => {
  const context = requestContext();
  context.deadlineMs = deadlineMs;
  timeout.create(optionsOf(timeout, body), filterDeps()).onRequest!(context);
  const { connectTimeoutMs, readTimeoutMs } = context;
  return { deadlineMs: context.deadlineMs, connectTimeoutMs, readTimeoutMs };
};

Deno.test("each limit sets its own and leaves the others", () => {
  assert.deepEqual(run("request-timeout-secs 5"), {
    deadlineMs: 6000,
    connectTimeoutMs: undefined,
    readTimeoutMs: undefined,
  });
  assert.deepEqual(run("upstream-timeout-secs 2.5\nconnect-timeout-secs 1"), {
    deadlineMs: Infinity,
    connectTimeoutMs: 1000,
    readTimeoutMs: 2500,
  });
});

Deno.test("of two limits for the whole request the nearer one counts", () => {
  assert.equal(run("request-timeout-secs 5", 5999).deadlineMs, 5999);
  assert.equal(run("request-timeout-secs 5", 6001).deadlineMs, 6000);
});

Deno.test("what a timeout filter refuses", () => {
  assert.match(readFilter(timeout, "").problems.join(), /limits nothing/);
  assert.match(readFilter(timeout, "request-timeout-secs 0").problems.join(), /from 0.001/);
  assert.match(readFilter(timeout, "request-timeout-secs 86401").problems.join(), /to 86400/);
  assert.deepEqual(readFilter(timeout, "request-timeout-secs 86400").problems, []);
});
