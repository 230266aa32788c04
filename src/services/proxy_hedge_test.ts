import assert from "node:assert/strict";
import { type FakeSocket, settle } from "../../tests/support/fake_socket.ts";
import {
  OK,
  ProxyRig,
  readText,
  request,
  retry,
  targetConfig,
  upstreamConfig,
} from "../../tests/support/proxy_rig.ts";
import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import { BytesBody } from "../core/message.ts";
import { Trace } from "../core/trace.ts";
import type { RetryPolicyConfig } from "../upstream/retry_options.ts";

const DELAY_MS = 50;
const BUSY = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";

interface Running {
  readonly context: RequestContext;
  /** `status text`, or the code of the failure; undefined while there is neither. */
  result: string | undefined;
}

function rigOf(over: Partial<RetryPolicyConfig> = {}, targets = 2): ProxyRig {
  const addresses = ["10.0.0.1:80", "10.0.0.2:80", "10.0.0.3:80"].slice(0, targets);
  return new ProxyRig(upstreamConfig({
    targets: addresses.map((address) => targetConfig(address)),
    retry: retry({ hedge: { delayMs: DELAY_MS }, maxAttempts: 2, backoffBaseMs: 0, ...over }),
  }));
}

async function start(rig: ProxyRig, context = request()): Promise<Running> {
  const running: Running = { context, result: undefined };
  Promise.resolve(rig.service.serve(context)).then(
    async (response) => running.result = `${response.status} ${await readText(response.body)}`,
    (cause) => running.result = cause instanceof ProxyError ? cause.code : String(cause),
  );
  await settle();
  return running;
}

/** Nothing is counted any more, and no timer runs. */
function isQuiet(rig: ProxyRig): void {
  assert.deepEqual(rig.inFlight, rig.inFlight.map(() => 0));
  assert.equal(rig.budget!.taken, 0);
  assert.equal(rig.budget!.waiting, 0);
}

const socketOf = (rig: ProxyRig, index: number): FakeSocket => rig.dialer.sockets[index]!;

Deno.test("a fast answer starts no second attempt, and leaves no timer behind", async () => {
  const rig = rigOf();
  const running = await start(rig);
  await rig.time.advance(DELAY_MS - 1);
  const timers = rig.time.pending;
  socketOf(rig, 0).push(OK);
  await settle();
  assert.equal(running.result, "200 ok");
  assert.equal(rig.time.pending, timers - 1);
  await rig.time.advance(1000);
  assert.equal(rig.dialer.sockets.length, 1);
  assert.deepEqual(rig.meter.retries, []);
  isQuiet(rig);
});

for (const winner of [0, 1]) {
  Deno.test(`of two attempts the ${winner === 0 ? "first" : "second"} may win; the other is called off`, async () => {
    const rig = rigOf();
    const context = request();
    context.trace = new Trace();
    const running = await start(rig, context);
    await rig.time.advance(DELAY_MS);
    assert.equal(rig.dialer.sockets.length, 2);
    assert.deepEqual(rig.inFlight, [1, 1]);
    assert.equal(rig.budget!.taken, 1);
    socketOf(rig, winner).push(OK);
    await settle();
    assert.equal(running.result, "200 ok");
    assert(socketOf(rig, 1 - winner).isClosed, "the other connection is closed");
    assert(!socketOf(rig, winner).isClosed, "the winner's is kept");
    assert.deepEqual(rig.meter.retries, ["hedge"]);
    assert.equal(rig.meter.hedgesWon, winner);
    assert.deepEqual(rig.meter.failures, []);
    assert.equal(context.attempts, 2);
    assert.equal(context.targetAddress, `10.0.0.${winner + 1}:80`);
    isQuiet(rig);
  });
}

Deno.test("while one attempt has failed the other is awaited", async () => {
  for (const winner of [0, 1]) {
    const rig = rigOf();
    const running = await start(rig);
    await rig.time.advance(DELAY_MS);
    socketOf(rig, 1 - winner).reset();
    await settle();
    assert.equal(running.result, undefined);
    socketOf(rig, winner).push(OK);
    await settle();
    assert.equal(running.result, "200 ok");
    assert.deepEqual(rig.meter.failures, ["upstream_reset"]);
    isQuiet(rig);
  }
});

Deno.test("an answer that would be repeated wins only when there is no better one", async () => {
  const rig = rigOf({ retryableStatusCodes: [[503, 503]] });
  const running = await start(rig);
  await rig.time.advance(DELAY_MS);
  socketOf(rig, 1).push(BUSY);
  await settle();
  assert.equal(running.result, undefined);
  socketOf(rig, 0).push(OK);
  await settle();
  assert.equal(running.result, "200 ok");
  isQuiet(rig);
  const other = await start(rig);
  await rig.time.advance(DELAY_MS);
  const [first, second] = rig.dialer.sockets.filter(({ isClosed }) => !isClosed) as [FakeSocket, FakeSocket];
  first.push(BUSY);
  await settle();
  second.reset();
  await settle();
  assert.equal(other.result, "503 busy");
  isQuiet(rig);
});

Deno.test("two failures are the first one's", async () => {
  const rig = rigOf();
  const running = await start(rig);
  await rig.time.advance(DELAY_MS);
  socketOf(rig, 1).push("HTTP/9.9 nonsense\r\n\r\n");
  await settle();
  socketOf(rig, 0).reset();
  await settle();
  assert.equal(running.result, "upstream_reset");
  assert.deepEqual(rig.meter.failures, ["upstream_protocol", "upstream_reset"]);
  isQuiet(rig);
});

Deno.test("a client that leaves calls both off, whichever of them still runs", async () => {
  for (const dead of [undefined, 0, 1]) {
    const rig = rigOf();
    const running = await start(rig);
    await rig.time.advance(DELAY_MS);
    if (dead !== undefined) socketOf(rig, dead).reset();
    await settle();
    running.context.aborted = true;
    running.context.onAbort!("client_closed");
    await settle();
    assert.equal(typeof running.result, "string");
    assert.equal(rig.dialer.open, 0, `${dead} failed before`);
    isQuiet(rig);
  }
});

Deno.test("a second attempt that still connects is called off like any other", async () => {
  const rig = rigOf();
  const running = await start(rig);
  const opening = Promise.withResolvers<Record<never, never>>();
  rig.dialer.answer = () => opening.promise;
  await rig.time.advance(DELAY_MS);
  assert.equal(rig.dialer.dials.length, 2);
  socketOf(rig, 0).push(OK);
  await settle();
  assert.equal(running.result, "200 ok");
  opening.resolve({});
  await settle();
  assert.equal(socketOf(rig, 1).written, "");
  isQuiet(rig);
});

const NOT_HEDGED: readonly {
  readonly name: string;
  readonly context?: () => RequestContext;
  readonly over?: Partial<RetryPolicyConfig>;
  readonly targets?: number;
}[] = [
  { name: "POST", context: () => request({ method: "POST" }) },
  {
    name: "POST though retries may repeat it",
    context: () => request({ method: "POST" }),
    over: { methods: ["*"] },
  },
  { name: "a method that the policy leaves out", over: { methods: ["HEAD"] } },
  { name: "a body", context: () => request({ method: "PUT", body: new BytesBody(new Uint8Array(3)) }) },
  { name: "no room in the budget", over: { budget: { percent: 0, minConcurrency: 0, maxWaitMs: 0 } } },
  { name: "no other target", targets: 1 },
];
for (const { name, context, over, targets } of NOT_HEDGED) {
  Deno.test(`no second attempt: ${name}`, async () => {
    const rig = rigOf(over, targets);
    const running = await start(rig, context?.());
    await rig.time.advance(DELAY_MS * 10);
    assert.equal(rig.dialer.sockets.length, 1);
    socketOf(rig, 0).push(OK);
    await settle();
    assert.equal(running.result, "200 ok");
    assert.deepEqual(rig.meter.retries, []);
    isQuiet(rig);
  });
}
