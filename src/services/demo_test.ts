import assert from "node:assert/strict";
import { requestContext } from "../../tests/support/filter_fixture.ts";
import type { Response } from "../core/message.ts";
import type { Timers } from "../core/ports.ts";
import { DELAY_SECS_MAX, demoResponse, STREAM_CHUNKS_MAX } from "./demo.ts";

/** Timers that fire when they are told to. */
function manualTimers() {
  const pending: { ms: number; run: () => void }[] = [];
  const timers: Timers = {
    after(ms, run) {
      const entry = { ms, run };
      pending.push(entry);
      return () => void pending.splice(pending.indexOf(entry), 1);
    },
    every: () => () => {},
  };
  return { timers, pending };
}

function ask(
  target: string,
  headers: readonly (readonly [string, string])[] = [],
  timers = manualTimers().timers,
) {
  const { head } = requestContext({ target, headers, method: "POST" });
  return demoResponse({ head, bodyBytes: 5 }, timers);
}

async function textOf(response: Response): Promise<string> {
  return new TextDecoder().decode((await response.body!.read())!);
}

Deno.test("the demo tells what reached it", async () => {
  const response = ask("/x/%61?q=%20", [["X-Two", "1"], ["X-Two", "2"], ["X-Two", "3"], [
    "__proto__",
    "p",
  ]]) as Response;
  assert.deepEqual(
    JSON.parse(await textOf(response)),
    JSON.parse(`{
    "service": "sentinel demo upstream",
    "method": "POST",
    "path": "/x/%61",
    "query": "q=%20",
    "headers": { "Host": "www.example", "X-Two": ["1", "2", "3"], "__proto__": "p" },
    "body_bytes": 5
  }`),
  );
});

Deno.test("browsers get a page in which nothing of the request is markup", async () => {
  const text = await textOf(ask("/<b>?<i>", [["Accept", "text/html"], ["X-A", "<script>"]]) as Response);
  assert.ok(text.includes("POST /&lt;b&gt;?&lt;i&gt;") && text.includes("&lt;script&gt;"));
  assert.ok(!text.includes("<script>") && !text.includes("<b>"));
});

Deno.test("statuses", () => {
  for (
    const [path, want] of [["/status/200", 200], ["/demo/status/503", 503], ["/status/599", 599], [
      "/status/204",
      204,
    ]] as const
  ) {
    const response = ask(path) as Response;
    assert.equal(response.status, want);
    assert.equal(response.body === null, want === 204);
  }
  for (const path of ["/status/600", "/status/100", "/status/x", "/status/"]) {
    assert.equal((ask(path) as Response).status, 400, path);
  }
});

Deno.test("delays wait, up to their bound", async () => {
  for (
    const [path, ms] of [["/delay", 1000], ["/delay/0.25", 250], [
      `/delay/${DELAY_SECS_MAX}`,
      DELAY_SECS_MAX * 1000,
    ]] as const
  ) {
    const { timers, pending } = manualTimers();
    const response = ask(path, [], timers);
    assert.equal(pending[0]!.ms, ms);
    pending[0]!.run();
    assert.equal((await response).status, 200);
  }
  for (const path of [`/delay/${DELAY_SECS_MAX + 1}`, "/delay/-1", "/delay/x"]) {
    assert.equal((ask(path) as Response).status, 400, path);
  }
});

Deno.test("streams come bit by bit and can be given up", async () => {
  const { timers, pending } = manualTimers();
  const body = (ask("/stream/2", [], timers) as Response).body!;
  assert.equal(body.length, undefined);
  assert.equal(new TextDecoder().decode((await body.read())!), "chunk 1 of 2\n");
  const second = body.read();
  pending.shift()!.run();
  assert.equal(new TextDecoder().decode((await second)!), "chunk 2 of 2\n");
  assert.equal(await body.read(), null);

  const other = (ask("/stream", [], timers) as Response).body!;
  await other.read();
  const waiting = other.read();
  other.cancel();
  assert.equal(await waiting, null);
  assert.equal(pending.length, 0, "no timer is left");
  assert.equal(await other.read(), null);
  assert.equal((ask(`/stream/${STREAM_CHUNKS_MAX}`) as Response).status, 200);
  assert.equal((ask(`/stream/${STREAM_CHUNKS_MAX + 1}`) as Response).status, 400);
});
