import assert from "node:assert/strict";
import { ProxyError } from "../core/errors.ts";
import { FakeDialer, type FakeSocketOptions, FakeTime, settle } from "../../tests/support/fake_socket.ts";
import type { UpstreamConnection } from "./connection.ts";
import type { PoolLimits, TargetPool } from "./pool.ts";
import { UpstreamPools } from "./pools.ts";

const LIMITS: PoolLimits = {
  connectionsMax: 2,
  idleMax: 2,
  idleTimeoutMs: 10_000,
  lifetimeMs: 60_000,
  queueMax: 3,
};
const IDENTITY = { upstreamId: "api", address: "10.0.0.1:80", tls: undefined };

function setUp(limits: Partial<PoolLimits> = {}) {
  const time = new FakeTime();
  const dialer = new FakeDialer();
  const pools = new UpstreamPools({ dialer, clock: time, deadlines: time.deadlines });
  const pool = pools.acquire(IDENTITY, { ...LIMITS, ...limits });
  return { time, dialer, pools, pool };
}

/** A want, with its outcome as text: `connection`, an error code, or `pending`. */
function want(pool: TargetPool, options: { fresh?: boolean; timeoutMs?: number } = {}) {
  const result: {
    outcome: string;
    connection?: UpstreamConnection;
    cancel?: (cause: "client_closed") => void;
  } = {
    outcome: "pending",
  };
  pool.wait({
    timeoutMs: options.timeoutMs ?? 1000,
    fresh: options.fresh ?? false,
    onWait: (cancel) => result.cancel = cancel,
  }).then((connection) => {
    result.outcome = "connection";
    result.connection = connection;
  }, (cause) => result.outcome = (cause as ProxyError).code);
  return result;
}

Deno.test("pool: bounds on connections and on the queue, below, at and above", async () => {
  const { pool, dialer } = setUp();
  const wants = Array.from({ length: 6 }, () => want(pool));
  await settle();
  assert.deepEqual(wants.map((w) => w.outcome), [
    "connection",
    "connection",
    "pending",
    "pending",
    "pending",
    "upstream_queue_full",
  ]);
  assert.equal(dialer.dials.length, 2);
  assert.equal(pool.waiting, 3);
});

Deno.test("pool: who waits is served in order by what comes back", async () => {
  const { pool } = setUp({ connectionsMax: 1 });
  const [a, b, c] = [want(pool), want(pool), want(pool)];
  await settle();
  a.connection!.finish();
  await settle();
  assert.deepEqual([b.outcome, c.outcome], ["connection", "pending"]);
  assert.equal(b.connection, a.connection);
  b.connection!.close();
  await settle();
  assert.equal(c.outcome, "connection");
  assert.notEqual(c.connection, a.connection);
});

Deno.test("pool: the connection used last is lent first", async () => {
  const { pool } = setUp();
  const [a, b] = [want(pool), want(pool)];
  await settle();
  a.connection!.finish();
  b.connection!.finish();
  assert.equal(pool.take(), b.connection);
  assert.equal(pool.take(), a.connection);
  assert.equal(pool.take(), undefined);
});

Deno.test("pool: waiting ends at its bound or by cancelling, and frees the place", async () => {
  const { pool, time } = setUp({ connectionsMax: 1 });
  want(pool);
  await settle();
  const [late, left, served] = [want(pool), want(pool), want(pool, { timeoutMs: 5000 })];
  left.cancel!("client_closed");
  await time.advance(900);
  assert.deepEqual([late.outcome, left.outcome], ["pending", "client_closed"]);
  await time.advance(200);
  assert.deepEqual([late.outcome, served.outcome], ["upstream_queue_full", "pending"]);
  assert.equal(pool.waiting, 1);
});

Deno.test("pool: a connection opened for somebody who left is kept for the next", async () => {
  const { pool, dialer } = setUp();
  let connected = (_: FakeSocketOptions) => {};
  dialer.answer = () => new Promise((resolve) => connected = resolve);
  const left = want(pool);
  await settle();
  left.cancel!("client_closed");
  connected({});
  await settle();
  assert.equal(pool.idle, 1);
  assert.notEqual(pool.take(), undefined);
});

Deno.test("pool: a failed dial fails one request, and the others get their own", async () => {
  const { pool, dialer } = setUp({ connectionsMax: 1 });
  let dials = 0;
  dialer.answer = () => ++dials === 1 ? new ProxyError("upstream_connect_failed", "refused") : {};
  const [a, b] = [want(pool), want(pool)];
  await settle();
  assert.deepEqual([a.outcome, b.outcome], ["upstream_connect_failed", "connection"]);
});

Deno.test("pool: idle timeout and lifetime close, at their time and not before", async () => {
  const rows: [string, Partial<PoolLimits>, number][] = [
    ["idle", {}, 10_000],
    ["lifetime", { lifetimeMs: 4000 }, 4000],
  ];
  for (const [name, limits, ms] of rows) {
    const { pool, time, dialer } = setUp(limits);
    const a = want(pool);
    await settle();
    a.connection!.finish();
    await time.advance(ms - 100);
    assert.equal(pool.idle, 1, name);
    await time.advance(300);
    assert.equal(pool.idle, 0, name);
    assert.equal(dialer.open, 0, name);
  }
});

Deno.test("pool: a connection past its life is closed when it comes back", async () => {
  const { pool, time, dialer } = setUp({ lifetimeMs: 4000 });
  const a = want(pool);
  await settle();
  await time.advance(4000);
  a.connection!.finish();
  assert.equal(dialer.open, 0);
});

Deno.test("pool: no more idle ones than allowed", async () => {
  const { pool, dialer } = setUp({ idleMax: 1 });
  const [a, b] = [want(pool), want(pool)];
  await settle();
  a.connection!.finish();
  b.connection!.finish();
  assert.deepEqual([pool.idle, dialer.open], [1, 1]);
});

Deno.test("pool: a fresh want gets a new connection, making room when there is none", async () => {
  const { pool, dialer } = setUp({ connectionsMax: 1 });
  const a = want(pool);
  await settle();
  a.connection!.finish();
  const b = want(pool, { fresh: true });
  await settle();
  assert.equal(b.outcome, "connection");
  assert.notEqual(b.connection, a.connection);
  assert.equal(dialer.open, 1);
});

Deno.test("pool: a fresh want that had to queue takes the place of the next connection that comes back", async () => {
  const { pool, dialer } = setUp();
  const [a, b] = [want(pool), want(pool)];
  await settle();
  const fresh = want(pool, { fresh: true });
  await settle();
  assert.equal(fresh.outcome, "pending");
  a.connection!.finish();
  await settle();
  assert.equal(fresh.outcome, "connection");
  assert.notEqual(fresh.connection, a.connection);
  assert.equal(dialer.dials.length, 3);
  assert.equal(pool.size, 2);
  b.connection!.finish();
  assert.equal(pool.idle, 1, "with nobody waiting a connection is kept");
});

Deno.test("pools: warm connections survive a reload by identity and go with their last user", async () => {
  const { pool, pools, dialer } = setUp();
  const a = want(pool);
  await settle();
  a.connection!.finish();
  const again = pools.acquire({ ...IDENTITY }, { ...LIMITS, idleMax: 1 });
  assert.equal(again, pool);
  pools.release(pool);
  assert.equal(dialer.open, 1);
  const other = pools.acquire({ ...IDENTITY, tls: { serverName: "x", caCerts: [] } }, LIMITS);
  assert.notEqual(other, pool);
  const busy = pool.take()!;
  pools.release(pool);
  assert.equal(dialer.open, 1, "a busy connection ends with its request");
  busy.finish();
  assert.equal(dialer.open, 0);
  assert.deepEqual(pools.stats().map((stats) => stats.address), ["10.0.0.1:80"]);
});
