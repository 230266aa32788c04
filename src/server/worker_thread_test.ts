import assert from "node:assert/strict";
import { WorkerThread } from "./worker_thread.ts";

/** A worker of a few lines that answers calls as `reply` says. */
function script(reply: string): URL {
  const source = `self.onmessage = ({ data }) => {
    if (data.type === "start") { self.postMessage({ type: "started" }); return; }
    const { id, method, argument } = data;
    ${reply}
  };`;
  return new URL(`data:application/javascript,${encodeURIComponent(source)}`);
}

const INIT = { workerIndex: 3, workerCount: 4, verbose: false, version: "0", instanceId: "test" };
const neverDies = (cause: string): void => assert.fail(cause);

function start(reply: string | URL, died = neverDies): Promise<WorkerThread> {
  const supervising = { processMetrics: () => Promise.resolve({ families: [] }) };
  return WorkerThread.start({
    script: reply instanceof URL ? reply : script(reply),
    init: INIT,
    supervising,
    died,
  });
}

Deno.test("worker thread: answers come back to the call that asked, in any order", async () => {
  const thread = await start(
    `setTimeout(() => self.postMessage({ type: "result", id, value: argument + 1 }), method === "drain" ? 30 : 0);`,
  );
  const [slow, fast] = await Promise.all([thread.drain(40), thread.commit(1) as Promise<unknown>]);
  assert.equal(slow, 41);
  assert.equal(fast, 2);
  thread.terminate();
});

Deno.test("worker thread: a failure in the worker rejects the call alone", async () => {
  const thread = await start(
    `self.postMessage(method === "drain" ? { type: "failed", id, message: "no" } : { type: "result", id, value: 7 });`,
  );
  await assert.rejects(() => thread.drain(10), /no/);
  assert.equal(await (thread.commit(1) as Promise<unknown>), 7);
  thread.terminate();
});

Deno.test("worker thread: a death rejects what waits and is told once", async () => {
  const { promise: death, resolve } = Promise.withResolvers<string>();
  let deaths = 0;
  const thread = await start(`throw new Error("boom");`, (cause) => {
    deaths++;
    resolve(cause);
  });
  const calls = [thread.drain(1000), thread.metrics()];
  await assert.rejects(() => calls[0]!, /Worker 3 is gone: .*boom/);
  await assert.rejects(() => calls[1]!, /gone/);
  assert.match(await death, /boom/);
  await assert.rejects(() => thread.commit(1), /gone/);
  thread.terminate();
  assert.equal(deaths, 1);
});

Deno.test("worker thread: a script that cannot start rejects and does not count as a death", async () => {
  const broken = new URL(`data:application/javascript,${encodeURIComponent("throw new Error('not today')")}`);
  await assert.rejects(() => start(broken), /not today/);
});

Deno.test("worker thread: a silent worker misses its time limit", async () => {
  const thread = await start("");
  await assert.rejects(() => thread.metrics(), /"metrics" to worker 3 got no answer within 1000 ms/);
  thread.terminate();
});

Deno.test("worker thread: questions of the worker are answered", async () => {
  const thread = await start(`
    if (data.type === "result") self.postMessage({ type: "result", id: 1, value: data.value.families.length });
    if (data.type === "call") self.postMessage({ type: "ask", id: 9, question: "processMetrics" });
  `);
  assert.equal(await (thread.commit(1) as Promise<unknown>), 0);
  thread.terminate();
});
