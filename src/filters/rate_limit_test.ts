import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { optionsOf, plainResponse, readFilter, requestContext } from "../../tests/support/filter_fixture.ts";
import type { RequestContext } from "../core/context.ts";
import type { Response } from "../core/message.ts";
import { EMPTY_DIRECTORY } from "../../tests/support/no_agents.ts";
import { bucketStats } from "../counters/shared_buckets.ts";
import type { Answer, FilterDeps } from "./filter.ts";
import { plainRateLimit, rateLimit, rateLimitBytes, RateLimitFilter } from "./rate_limit.ts";
import type { RateLimit } from "./rate_limit.ts";

const WALL_MS = 1_700_000_000_000;

/** Ports whose time is set by hand. */
class ManualDeps implements FilterDeps {
  readonly id = "limit";
  readonly shared: SharedArrayBuffer | undefined;
  readonly agents = EMPTY_DIRECTORY;
  readonly random = { u32: () => 7 };
  readonly logged: unknown[] = [];
  readonly timersSet: { ms: number; run: () => void }[] = [];
  cancelled = 0;
  now = 0;
  readonly clock = { nowMs: () => this.now, wallMs: () => WALL_MS + this.now };
  readonly log = (_: string, message: string, fields?: Readonly<Record<string, unknown>>) => {
    this.logged.push({ message, ...fields });
  };
  readonly timers = {
    after: (ms: number, run: () => void) => {
      this.timersSet.push({ ms, run });
      return () => void this.cancelled++;
    },
    every: () => () => {},
  };

  constructor(shared?: SharedArrayBuffer) {
    this.shared = shared;
  }
}

function rig(changes: Partial<RateLimit>) {
  const deps = new ManualDeps();
  const filter = new RateLimitFilter({
    ...plainRateLimit({ maxRps: 10, burst: 2, key: "client-ip" }),
    ...changes,
  }, deps);
  return { filter, deps };
}

function request(init: { ip?: string; target?: string; header?: string; route?: null } = {}): RequestContext {
  const context = requestContext({
    target: init.target ?? "/",
    ...(init.header === undefined ? {} : { headers: [["X-Key", init.header]] }),
    ...(init.route === null ? { route: null } : {}),
  });
  context.clientIp = init.ip ?? "192.0.2.1";
  return context;
}

function ask(filter: RateLimitFilter, context = request()): Answer | undefined {
  const verdict = filter.onRequest(context);
  ok(!(verdict instanceof Promise), "answers at once");
  return verdict;
}

function limitHeaders(response: Response): (string | undefined)[] {
  return ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "retry-after"]
    .map((key) => response.headers.get(key));
}

function bodyText(response: Response): string {
  return new TextDecoder().decode(response.body!.read() as Uint8Array);
}

Deno.test("rate-limit: options", () => {
  const given = optionsOf(rateLimit, "");
  deepEqual([given.maxRps, given.burst, given.key, given.onLimit, given.statusCode], [
    100,
    10,
    "client-ip",
    "reject",
    429,
  ]);
  deepEqual([given.maxDelayMs, given.maxKeys, given.backend], [5000, 100_000, "local"]);
  const all = optionsOf(
    rateLimit,
    `max-rps 5\nburst 7\nkey "header:X-Api-Key"\non-limit "log_only"\nstatus-code 503\nmessage "Slow"\nmax-delay-ms 9\nmax-keys 3`,
  );
  deepEqual([
    all.maxRps,
    all.burst,
    all.key,
    all.onLimit,
    all.statusCode,
    all.message,
    all.maxDelayMs,
    all.maxKeys,
  ], [
    5,
    7,
    "header:x-api-key",
    "log-only",
    503,
    "Slow",
    9,
    3,
  ]);
});

Deno.test("rate-limit: options that are refused", () => {
  const tests = [
    { input: "max-rps 0", want: /integer from 1/ },
    { input: "burst 0", want: /integer from 1/ },
    { input: "status-code 399", want: /from 400 to 599/ },
    { input: "status-code 600", want: /from 400 to 599/ },
    { input: 'key "cookie"', want: /expects "client-ip"/ },
    { input: 'on-limit "drop"', want: /"reject"/ },
    { input: 'backend "redis"', want: /"redis" is not available in this build/ },
    { input: 'backend "memcache"', want: /"memcache" is not available in this build/ },
    { input: 'redis-url "redis://h:1"', want: /"redis-url" is not available in this build/ },
  ];
  for (const { input, want } of tests) match(readFilter(rateLimit, input).problems.join("\n"), want, input);
});

Deno.test("rate-limit: a burst passes, the next is answered", () => {
  const { filter, deps } = rig({ message: "Slow down", statusCode: 503 });
  equal(ask(filter), undefined);
  equal(ask(filter), undefined);
  const answer = ask(filter)!;
  equal(answer.reason, "rate_limited");
  equal(answer.response.status, 503);
  equal(answer.response.headers.get("content-type"), "text/plain; charset=utf-8");
  deepEqual(limitHeaders(answer.response), ["10", "0", String(WALL_MS / 1000 + 1), "1"]);
  equal(bodyText(answer.response), "Slow down");
  deps.now = 100;
  equal(ask(filter), undefined, "a token has come");
});

Deno.test("rate-limit: Retry-After is the time to the next token", () => {
  const slow = { ...plainRateLimit({ maxRps: 1, key: "all" }), onLimit: "reject" } as const;
  const filter = new RateLimitFilter({ ...slow, maxRps: 1 }, new ManualDeps());
  ask(filter);
  equal(ask(filter)!.response.headers.get("retry-after"), "1");
});

Deno.test("rate-limit: every answer of the route says what is left, the strictest limit wins", () => {
  const { filter } = rig({});
  const context = request();
  ask(filter, context);
  const response = plainResponse();
  filter.onResponse(context, response);
  deepEqual(limitHeaders(response), ["10", "1", String(WALL_MS / 1000 + 1), undefined]);

  const strict = plainResponse([["X-RateLimit-Limit", "3"], ["X-RateLimit-Remaining", "0"]]);
  filter.onResponse(context, strict);
  equal(strict.headers.get("x-ratelimit-limit"), "3");
  const loose = plainResponse([["X-RateLimit-Limit", "99"], ["X-RateLimit-Remaining", "98"]]);
  filter.onResponse(context, loose);
  equal(loose.headers.get("x-ratelimit-limit"), "10");

  const unseen = plainResponse();
  filter.onResponse(request(), unseen);
  deepEqual(limitHeaders(unseen), [undefined, undefined, undefined, undefined]);
});

Deno.test("rate-limit: keys", () => {
  const tests: {
    name: string;
    key: RateLimit["key"];
    first: RequestContext;
    same: RequestContext;
    other: RequestContext | null;
  }[] = [
    {
      name: "client",
      key: "client-ip",
      first: request(),
      same: request({ target: "/x" }),
      other: request({ ip: "192.0.2.2" }),
    },
    {
      name: "IPv6 network",
      key: "client-ip",
      first: request({ ip: "2001:db8::1" }),
      same: request({ ip: "2001:db8::2" }),
      other: request({ ip: "2001:db8:0:1::1" }),
    },
    {
      name: "path",
      key: "path",
      first: request(),
      same: request({ ip: "192.0.2.2", target: "/?q" }),
      other: request({ target: "/x" }),
    },
    {
      name: "route",
      key: "route",
      first: request(),
      same: request({ ip: "192.0.2.2" }),
      other: request({ route: null }),
    },
    {
      name: "client and path",
      key: "client-ip-and-path",
      first: request(),
      same: request({ target: "/?q" }),
      other: request({ ip: "192.0.2.2" }),
    },
    {
      name: "header",
      key: "header:x-key",
      first: request({ header: "a" }),
      same: request({ header: "a", ip: "::1" }),
      other: request({ header: "b" }),
    },
    {
      name: "no header is one key",
      key: "header:x-key",
      first: request(),
      same: request({ ip: "::1" }),
      other: request({ header: "" }),
    },
    { name: "all", key: "all", first: request(), same: request({ ip: "::1", target: "/x" }), other: null },
  ];
  for (const { name, key, first, same, other } of tests) {
    const { filter } = rig({ key, burst: 1 });
    equal(ask(filter, first), undefined, name);
    equal(ask(filter, same)?.reason, "rate_limited", name);
    if (other !== null) equal(ask(filter, other), undefined, name);
  }
});

Deno.test("rate-limit: log-only lets everybody through, and says so once a second", () => {
  const { filter, deps } = rig({ onLimit: "log-only", burst: 1 });
  ask(filter);
  const context = request();
  equal(ask(filter, context), undefined);
  equal(ask(filter), undefined);
  deepEqual(context.logFields, { rate_limit: "limit" });
  const entry = { message: "Rate limit exceeded", filter: "limit", key: "client-ip" };
  deepEqual(deps.logged, [{ ...entry, requests: 1 }]);
  deps.now = 1000;
  for (let i = 0; i < 3; i++) ask(filter);
  deepEqual(deps.logged, [{ ...entry, requests: 1 }, { ...entry, requests: 2 }]);
});

Deno.test("rate-limit: delay keeps the pace up to its longest wait", async () => {
  const { filter, deps } = rig({ onLimit: "delay", burst: 1, maxDelayMs: 200, maxDelayed: 10 });
  equal(ask(filter), undefined);
  const waiting = [filter.onRequest(request()), filter.onRequest(request())];
  deepEqual(deps.timersSet.map(({ ms }) => Math.round(ms)), [100, 200]);
  equal(filter.waiting, 2);
  equal(ask(filter)?.reason, "rate_limited", "300 ms would be too long");
  for (const { run } of deps.timersSet) run();
  deepEqual(await Promise.all(waiting), [undefined, undefined]);
  equal(filter.waiting, 0);
});

Deno.test("rate-limit: those who wait are bounded in number", () => {
  const { filter } = rig({ onLimit: "delay", burst: 1, maxDelayMs: 60_000, maxDelayed: 2 });
  ask(filter);
  for (let i = 0; i < 2; i++) ok(filter.onRequest(request()) instanceof Promise);
  equal(ask(filter)?.reason, "rate_limited");
});

Deno.test("rate-limit: a client that leaves stops waiting", async () => {
  const { filter, deps } = rig({ onLimit: "delay", burst: 1, maxDelayMs: 1000, maxDelayed: 10 });
  ask(filter);
  const context = request();
  const waiting = filter.onRequest(context) as Promise<unknown>;
  context.onAbort!("client_closed");
  await rejects(waiting, { code: "client_closed" });
  deepEqual([filter.waiting, deps.cancelled, context.onAbort], [0, 1, null]);
});

Deno.test("rate-limit: filters over the same memory share what they count", () => {
  const limit = { ...plainRateLimit({ maxRps: 10, burst: 2, key: "all" }), maxKeys: 50 };
  const memory = new SharedArrayBuffer(rateLimitBytes(limit));
  const [first, second] = [1, 2].map(() => new RateLimitFilter(limit, new ManualDeps(memory))) as [
    RateLimitFilter,
    RateLimitFilter,
  ];
  equal(ask(first), undefined);
  equal(ask(second), undefined);
  equal(ask(first)?.reason, "rate_limited");
  deepEqual(bucketStats(memory, 50, 0), { keys: 1, evictions: 0 });
});

Deno.test("plainRateLimit: without burst, as many at once as per second", () => {
  equal(plainRateLimit({ maxRps: 50, key: "route" }).burst, 50);
  equal(plainRateLimit({ maxRps: 50, burst: 5, key: "route" }).burst, 5);
});
