import { deepEqual, equal, ok } from "node:assert/strict";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import { type Body, BytesBody, type Response } from "../core/message.ts";
import { Trace } from "../core/trace.ts";
import type { RequestContext } from "../core/context.ts";
import { SharedTotals } from "../counters/shared_totals.ts";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { readText, request } from "../../tests/support/proxy_rig.ts";
import { createShadowService } from "./shadow.ts";
import type { ShadowOptions } from "./shadow_options.ts";
import { ShadowRuns } from "./shadow_runs.ts";

const OPTIONS: ShadowOptions = {
  upstream: "copy",
  percentage: 100,
  timeoutMs: 5000,
  bufferBody: true,
  maxBodyBytes: 100,
  maxConcurrent: 2,
  compare: "metrics",
};

function response(status: number, body: Body | null = null): Response {
  return { status, reason: "", headers: new HeaderList(), body };
}

/** A shadow service between two services of the test, with everything it tells. */
function rig(over: Partial<ShadowOptions> = {}) {
  const time = new FakeTime();
  const runs = new ShadowRuns(time);
  const totals = new SharedTotals(new SharedArrayBuffer(4), { index: 0, count: 1 });
  const told: string[] = [];
  const copies: { context: RequestContext; answer: PromiseWithResolvers<Response> }[] = [];
  const real = { answer: (_context: RequestContext): Response | Promise<Response> => response(200) };
  const service = createShadowService({
    options: { ...OPTIONS, ...over },
    service: { serve: (context) => real.answer(context) },
    target: {
      serve(context) {
        const answer = Promise.withResolvers<Response>();
        context.onAbort = (cause) => answer.reject(new ProxyError(cause, "aborted"));
        copies.push({ context, answer });
        return answer.promise;
      },
    },
    runs,
    totals,
    clock: time,
    log: (_level, message) => void told.push(`log: ${message}`),
    meter: {
      begun: () => told.push("begun"),
      ended: (result) => told.push(`ended ${result}`),
      skipped: (result) => told.push(`skipped ${result}`),
      failure: (code) => told.push(`failure ${code}`),
      latency: (ms) => told.push(`latency ${ms}`),
      compared: (result, lateMs) => told.push(`${result} ${lateMs}`),
    },
  });
  const lease = { held: 0, retain: () => void lease.held++, release: () => void lease.held-- };
  const contextOf = (init: Parameters<typeof request>[0] = {}) => {
    const context = request(init);
    context.lease = lease;
    context.trace = new Trace();
    context.requestId = "id";
    return context;
  };
  /** The end of a real request, as the engine has it. */
  const end = async (context: RequestContext) => {
    context.body?.cancel();
    context.afterwards?.requestEnded();
    await time.advance(1);
  };
  return { time, runs, totals, told, copies, real, service, lease, contextOf, end };
}

Deno.test("shadow service: a copy lives from the end of the real request to the end of its answer", async () => {
  const { service, contextOf, end, copies, told, lease, totals, time, runs } = rig({ compare: "log" });
  const context = contextOf({ method: "POST", body: new BytesBody(new TextEncoder().encode("body")) });
  context.traceparent = "00-trace";
  await service.serve(context);
  equal(await readText(context.body), "body");
  deepEqual(
    [told, lease.held, totals.own(0)],
    [[], 1, 1],
    "nothing has begun; its place and snapshot are held",
  );
  await end(context);
  const [copy] = copies;
  equal(await readText(copy!.context.body), "body");
  const { requestId, traceparent, clientIp, path, deadlineMs } = copy!.context;
  deepEqual([requestId, traceparent, clientIp, path], ["id", "00-trace", "192.0.2.7", "/"]);
  equal(deadlineMs, time.nowMs() - 1 + 5000, "from when it began");
  equal(context.head.headers.has("x-shadow-request"), false, "the real request is as it was");
  await time.advance(19);
  copy!.answer.resolve(response(500, new BytesBody(new Uint8Array(10))));
  await time.advance(0);
  deepEqual(told, [
    "begun",
    "latency 20",
    "different 20",
    "log: A copied request was answered with another status",
    "ended completed",
  ]);
  deepEqual([lease.held, totals.own(0), runs.size], [0, 0, 0]);
  deepEqual(context.trace!.steps.map(({ outcome, detail }) => [outcome, detail]), [
    ["copied", "100 % of request ids"],
    ["answered otherwise", "200 in 0 ms, the copy 500 in 20 ms"],
  ]);
});

Deno.test("shadow service: a real request that fails is copied too, and fails as before", async () => {
  const { service, contextOf, end, copies, real, told } = rig();
  for (const late of [false, true]) {
    const error = new ProxyError("upstream_connect_failed", "refused");
    real.answer = () => {
      if (late) return Promise.reject(error);
      throw error;
    };
    const context = contextOf();
    let thrown: unknown;
    try {
      await service.serve(context);
    } catch (cause) {
      thrown = cause;
    }
    equal(thrown, error);
    await end(context);
    copies.at(-1)!.answer.resolve(response(503));
    await end(contextOf());
  }
  equal(told.filter((line) => line.startsWith("same")).length, 2);
});

Deno.test("shadow service: the answer of a stream is not waited for", async () => {
  const { service, contextOf, copies, real, time } = rig();
  real.answer = () =>
    response(200, { length: undefined, read: () => new Promise(() => {}), cancel: () => {} });
  await service.serve(contextOf());
  await time.advance(1);
  equal(copies.length, 1);
});

Deno.test("shadow service: what goes on in another protocol is not copied", async () => {
  const { service, contextOf, end, told, lease, copies, real } = rig();
  real.answer = () => response(101);
  for (const body of [null, new BytesBody(new Uint8Array(10))]) {
    const context = contextOf({ body });
    await service.serve(context);
    await end(context);
    deepEqual([told.splice(0), lease.held, copies.length], [["skipped upgraded"], 0, 0]);
  }
});

Deno.test("shadow service: a request that cannot be copied gives back what it held", async () => {
  const { service, contextOf, end, told, lease, totals } = rig({ maxBodyBytes: 3, maxConcurrent: 1 });
  const bytes = new TextEncoder().encode("body");
  const unknown = new BytesBody(bytes);
  for (
    const body of [new BytesBody(bytes), {
      length: undefined,
      read: () => unknown.read(),
      cancel: () => {},
    }]
  ) {
    const context = contextOf({ method: "POST", body });
    await service.serve(context);
    await readText(context.body);
    await end(context);
  }
  const unread = contextOf({ method: "POST", body: new BytesBody(new Uint8Array(2)) });
  await service.serve(unread);
  await end(unread);
  deepEqual(told, ["skipped body_too_long", "skipped body_too_long", "skipped body_cut"]);
  deepEqual([lease.held, totals.own(0)], [0, 0]);
});

Deno.test("shadow service: cancelling ends what waits and what is under way, and nothing begins any more", async () => {
  const { service, contextOf, end, told, lease, totals, runs, time } = rig();
  const [first, second, third] = [contextOf(), contextOf(), contextOf()];
  for (const context of [first, second, third]) await service.serve(context);
  await end(first);
  second.afterwards!.requestEnded();
  runs.cancelAll();
  await time.advance(1);
  third.afterwards!.requestEnded();
  await time.advance(1);
  deepEqual(told.toSorted(), ["begun", "ended cancelled", "skipped cancelled", "skipped cancelled"]);
  deepEqual([lease.held, totals.own(0), runs.size], [0, 0, 0]);
});

Deno.test("shadow service: copies begin a few per turn", async () => {
  const { service, contextOf, copies, time } = rig({ maxConcurrent: 100 });
  for (let i = 0; i < 20; i++) {
    const context = contextOf();
    await service.serve(context);
    context.afterwards!.requestEnded();
  }
  const pending = time.pending;
  await time.leap(0);
  ok(copies.length > 0 && copies.length < 20, `${copies.length}`);
  ok(time.pending <= pending, "one timer at a time");
  for (let i = 0; i < 5; i++) await time.leap(1);
  equal(copies.length, 20);
});
