import assert from "node:assert/strict";
import type { HealthState } from "../../src/health/states.ts";
import { allocateShared } from "../../src/core/shared_memory.ts";
import { type Downstream, RequestContext } from "../../src/core/context.ts";
import { ProxyError } from "../../src/core/errors.ts";
import type { Body, Response } from "../../src/core/message.ts";
import { HeaderList } from "../../src/core/headers.ts";
import type { Service } from "../../src/services/service.ts";
import { createProxyService, type ProxyMeter } from "../../src/services/proxy.ts";
import { LiveUpstream } from "../../src/upstream/live_upstream.ts";
import { UpstreamPools } from "../../src/upstream/pools.ts";
import { openRecords, recordNeeds, type UpstreamRecords } from "../../src/upstream/target_record.ts";
import type { TargetConfig, UpstreamConfig } from "../../src/upstream/upstream.ts";
import { SharedTotals, totalBytes } from "../../src/counters/shared_totals.ts";
import { LOAD_NUMBERS, RetryBudget } from "../../src/upstream/retry_budget.ts";
import { IDEMPOTENT_METHODS, type RetryPolicyConfig } from "../../src/upstream/retry_options.ts";
import { RetryPolicy } from "../../src/upstream/retry_policy.ts";
import type { FitnessEvents } from "../../src/upstream/upstream_fitness.ts";
import { FakeDialer, type FakeSocket, FakeTime } from "./fake_socket.ts";

/** A target's configuration with every default filled in. */
export function targetConfig(address: string, over: Partial<TargetConfig> = {}): TargetConfig {
  return { address, weight: 1, priority: 0, drain: false, metadata: [], ...over };
}

/** An upstream's configuration with every default filled in. */
export function upstreamConfig(over: Partial<UpstreamConfig> = {}): UpstreamConfig {
  return {
    id: "api",
    targets: [targetConfig("10.0.0.1:80")],
    loadBalancing: { type: "round-robin", options: {} },
    slowStartSecs: 0,
    connectionPool: { maxConnections: 4, maxIdle: 2, idleTimeoutSecs: 60 },
    httpVersion: { minVersion: 1, maxVersion: 2, h2PingInterval: 0, maxH2Streams: 100 },
    timeouts: { connectSecs: 1, requestSecs: 60, readSecs: 5, writeSecs: 3 },
    ...over,
  } as UpstreamConfig;
}

/** A retry policy with every default filled in. */
export function retry(over: Partial<RetryPolicyConfig> = {}): RetryPolicyConfig {
  return {
    maxAttempts: 3,
    backoffBaseMs: 25,
    retryOn: ["connect-failure", "reset", "refused-stream", "timeout"],
    retryableStatusCodes: [],
    methods: IDEMPOTENT_METHODS,
    maxBodySizeBytes: 65_536,
    budget: { percent: 20, minConcurrency: 10, maxWaitMs: 0 },
    ...over,
  };
}

/** A request as the downstream side would hand it in. */
export function request(init: {
  method?: string;
  target?: string;
  authority?: string;
  minor?: 0 | 1;
  headers?: readonly (readonly [string, string])[];
  body?: Body | null;
  downstream?: Partial<Downstream>;
} = {}): RequestContext {
  const authority = init.authority ?? "shop.example";
  const headers = HeaderList.from(init.headers ?? [["Host", authority], ["Accept", "*/*"]]);
  const head = {
    method: init.method ?? "GET",
    target: init.target ?? "/",
    host: authority.split(":")[0]!,
    authority,
    minor: init.minor ?? 1,
    headers,
  } as const;
  const downstream: Downstream = {
    listenerId: "web",
    namespace: undefined,
    scheme: "http",
    tls: null,
    localPort: 8080,
    peerIp: "192.0.2.7",
    peerPort: 4711,
    peerTrusted: false,
    requestsServed: 0,
    ...init.downstream,
  };
  return new RequestContext({
    head: { ...head },
    body: init.body ?? null,
    downstream,
    startedMs: 0,
    bodyBytesMax: Infinity,
  });
}

/** Live state in memory of its own, for a single worker. */
export function ownRecords(config: UpstreamConfig): UpstreamRecords {
  return openRecords(config, allocateShared(recordNeeds(config, 1), {}), 0);
}

/** Counts what the meter of a proxy service is told. */
export class CountingMeter implements ProxyMeter {
  attempts = 0;
  lent = 0;
  readonly failures: string[] = [];
  readonly latencies: [target: string, ms: number][] = [];
  readonly retries: string[] = [];
  refused = 0;

  attempt(): void {
    this.attempts++;
  }
  acquired(): void {
    this.lent++;
  }
  failure(reason: string): void {
    this.failures.push(reason);
  }
  headLatency(target: string, ms: number): void {
    this.latencies.push([target, ms]);
  }
  retry(reason: string): void {
    this.retries.push(reason);
  }
  retryRefused(): void {
    this.refused++;
  }
}

/** A proxy service over fake sockets and a fake clock. */
export class ProxyRig {
  readonly time = new FakeTime();
  readonly dialer = new FakeDialer();
  readonly meter = new CountingMeter();
  readonly pools: UpstreamPools;
  readonly upstream: LiveUpstream;
  readonly service: Service;
  /** Requests and retries, as the budget counts them. */
  readonly load = new SharedTotals(new SharedArrayBuffer(totalBytes(LOAD_NUMBERS, 1)), {
    index: 0,
    count: 1,
  });
  readonly budget: RetryBudget | null;
  /** What became of targets, such as `10.0.0.1:80 open`. */
  readonly fates: string[] = [];
  readonly events: FitnessEvents = {
    breakerChanged: ({ address }, state) => void this.fates.push(`${address} ${state}`),
    ejected: ({ address }, reason) => void this.fates.push(`${address} ejected: ${reason}`),
    readmitted: ({ address }) => void this.fates.push(`${address} readmitted`),
  };
  readonly records: UpstreamRecords;

  constructor(config: UpstreamConfig = upstreamConfig()) {
    const { time, dialer, meter } = this;
    this.pools = new UpstreamPools({ dialer, clock: time, deadlines: time.deadlines });
    this.records = ownRecords(config);
    this.upstream = new LiveUpstream({
      config,
      tls: undefined,
      pools: this.pools,
      bounds: { idleMax: 100, queueMax: 1000 },
      records: this.records,
      clock: time,
      load: { totals: this.load, threads: 1 },
      watch: { deadlines: time.deadlines, random: { u32: () => 1 }, events: this.events },
      random: { u32: () => 2 ** 31 },
      instance: "test",
    });
    const { retry } = config;
    this.budget = retry === undefined ? null : new RetryBudget(this.load, {
      share: retry.budget.percent / 100,
      minimum: retry.budget.minConcurrency,
    });
    this.service = createProxyService({
      upstream: this.upstream,
      policy: new RetryPolicy(retry, this.budget),
      clock: time,
      timers: time,
      random: { u32: () => 0x80000000 },
      meter,
    });
  }

  /** What active checks say from now on of a target, by its place. */
  judge(index: number, state: HealthState): void {
    this.records.targets[index]!.setHealth(state, this.time.nowMs());
  }

  /** Requests in flight by target. */
  get inFlight(): number[] {
    return this.records.targets.map((record) => record.inFlight);
  }
}

/** The whole body as a byte string. */
export async function readText(body: Body | null): Promise<string> {
  let text = "";
  while (body !== null) {
    const piece = await body.read();
    if (piece === null) break;
    for (const octet of piece) text += String.fromCharCode(octet);
  }
  return text;
}

/** A small whole answer. */
export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** Answers every complete head it is sent with the next of `answers` (the last one for ever). */
export function answering(...answers: string[]): (socket: FakeSocket) => void {
  return answeringThen(() => {}, ...answers);
}

/** As `answering`, and after each answer does something to the socket. */
export function answeringThen(then: (socket: FakeSocket) => void, ...answers: string[]) {
  return (socket: FakeSocket) => {
    let seen = 0;
    socket.onWrite = (written) => {
      const heads = written.split("\r\n\r\n").length - 1;
      while (seen < heads) {
        socket.push(answers[Math.min(seen++, answers.length - 1)]!);
        then(socket);
      }
    };
  };
}

/** Serves one request and reads the whole response. */
export async function serve(
  rig: ProxyRig,
  context = request(),
): Promise<{ response: Response; text: string }> {
  const response = await rig.service.serve(context);
  return { response, text: await readText(response.body) };
}

/** The error that something fails with. */
export async function failure(promise: unknown): Promise<ProxyError> {
  try {
    await promise;
  } catch (cause) {
    assert.ok(cause instanceof ProxyError, `not a ProxyError: ${cause}`);
    return cause;
  }
  throw new Error("it did not fail");
}
