import assert from "node:assert/strict";
import { ProxyError } from "../core/errors.ts";
import { FakeDialer, type FakeSocket, FakeTime } from "../../tests/support/fake_socket.ts";
import type { HealthCheckConfig } from "./options.ts";
import { HealthMonitor } from "./monitor.ts";
import type { HealthCell, HealthState } from "./states.ts";

const OPTIONS: HealthCheckConfig = {
  type: "http",
  intervalSecs: 10,
  timeoutSecs: 2,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
  path: "/up",
  expectedStatus: [[200, 200], [300, 399]],
  maxBodySizeBytes: 65_536,
  headers: [],
  expectedModels: [],
};

class Cell implements HealthCell {
  health: HealthState = "unknown";
  changes = 0;

  setHealth(state: HealthState): void {
    this.health = state;
    this.changes++;
  }

  foundWell(): void {}
}

function setUp(options: Partial<HealthCheckConfig> = {}, addresses = ["10.0.0.1:80"]) {
  const time = new FakeTime();
  const dialer = new FakeDialer();
  const cells = addresses.map(() => new Cell());
  const lines: string[] = [];
  const monitor = new HealthMonitor({
    dialer,
    clock: time,
    timers: time,
    random: { u32: () => 2 ** 31 },
    log: (level, message) => lines.push(`${level} ${message}`),
  });
  const upstream = {
    id: "api",
    targets: addresses.map((address, index) => ({ address, cell: cells[index]! })),
    options: { ...OPTIONS, ...options },
  };
  return { time, dialer, cell: cells[0]!, monitor, upstream, lines };
}

const answer = (text: string) => (socket: FakeSocket) => {
  socket.onWrite = () => socket.push(text);
};

Deno.test("health: what each check makes of each answer", async () => {
  const rows: {
    name: string;
    options?: Partial<HealthCheckConfig>;
    onSocket: (s: FakeSocket) => void;
    want: string | undefined;
  }[] = [
    { name: "200", onSocket: answer("HTTP/1.1 200 OK\r\n"), want: undefined },
    { name: "1.0", onSocket: answer("HTTP/1.0 200\r\n"), want: undefined },
    { name: "range start", onSocket: answer("HTTP/1.1 300 X\r\n"), want: undefined },
    { name: "range end", onSocket: answer("HTTP/1.1 399 X\r\n"), want: undefined },
    { name: "below the range", onSocket: answer("HTTP/1.1 299 X\r\n"), want: "status 299" },
    { name: "above the range", onSocket: answer("HTTP/1.1 400 X\r\n"), want: "status 400" },
    { name: "no HTTP", onSocket: answer("SSH-2.0\r\n"), want: "the answer is not HTTP/1" },
    { name: "closes", onSocket: (s) => s.end(), want: "the connection closed without an answer" },
    {
      name: "endless line",
      onSocket: answer("HTTP/1.1 200 " + "x".repeat(2000)),
      want: "the status line is too long",
    },
    { name: "silent", onSocket: () => {}, want: "no answer within 2000 ms" },
    { name: "tcp", options: { type: "tcp" }, onSocket: () => {}, want: undefined },
  ];
  for (const row of rows) {
    const { time, dialer, monitor, upstream } = setUp(row.options);
    dialer.onSocket = row.onSocket;
    monitor.update([upstream]);
    await time.advance(3000);
    const [health] = monitor.health();
    assert.equal(health!.checks, 1, row.name);
    assert.equal(health!.lastError, row.want, row.name);
    assert.equal(dialer.open, 0, `${row.name}: the socket is closed`);
  }
});

Deno.test("health: the request is a plain GET with the configured path and host", async () => {
  for (const host of [undefined, "up.example"]) {
    const { time, dialer, monitor, upstream } = setUp({ host });
    dialer.onSocket = answer("HTTP/1.1 200 OK\r\n");
    monitor.update([upstream]);
    await time.advance(1000);
    const lines = dialer.sockets[0]!.written.split("\r\n");
    assert.deepEqual(lines.slice(0, 2), ["GET /up HTTP/1.1", `Host: ${host ?? "10.0.0.1:80"}`]);
  }
});

Deno.test("health: thresholds turn the verdict, below and at them", async () => {
  const { time, dialer, cell, monitor, upstream, lines } = setUp({ type: "tcp" });
  const seen: string[] = [];
  let well = true;
  dialer.answer = () => well ? {} : new ProxyError("upstream_connect_failed", "refused");
  monitor.update([upstream]);
  assert.equal(cell.health, "unknown");
  await time.advance(300);
  seen.push(cell.health);
  for (const next of [false, false, false, true, false, true, true]) {
    well = next;
    await time.advance(10_000);
    seen.push(cell.health);
  }
  assert.deepEqual(seen, [
    "healthy",
    "healthy",
    "healthy",
    "unhealthy",
    "unhealthy",
    "unhealthy",
    "healthy",
    "healthy",
  ]);
  assert.deepEqual(lines, ["info Target is healthy", "warn Target is unhealthy", "info Target is healthy"]);
});

Deno.test("health: an unknown target that fails becomes unhealthy only at the threshold", async () => {
  const { time, dialer, cell, monitor, upstream } = setUp({ type: "tcp" });
  dialer.answer = () => new ProxyError("upstream_connect_failed", "refused");
  monitor.update([upstream]);
  await time.advance(300);
  await time.advance(10_000);
  assert.equal(cell.health, "unknown");
  await time.advance(10_000);
  assert.equal(cell.health, "unhealthy");
});

Deno.test("health: an update keeps what is the same, and ends what is gone", async () => {
  const { time, dialer, monitor, upstream } = setUp({ type: "tcp" }, ["10.0.0.1:80", "10.0.0.2:80"]);
  monitor.update([upstream]);
  await time.advance(10_300);
  assert.equal(dialer.dials.length, 4);
  monitor.update([{ ...upstream, options: { ...upstream.options } }]);
  assert.deepEqual(monitor.health().map((target) => target.checks), [2, 2]);
  monitor.update([]);
  await time.advance(60_000);
  assert.equal(dialer.dials.length, 4);
  assert.equal(time.pending, 1, "only the sweep of the deadlines is left");
});

Deno.test("health: a check under way is not doubled, and its late verdict is dropped after a stop", async () => {
  const { time, dialer, cell, monitor, upstream } = setUp({ type: "tcp", timeoutSecs: 60 });
  let connected = (_: Record<string, never>) => {};
  dialer.answer = () => new Promise((resolve) => connected = resolve);
  monitor.update([upstream]);
  await time.advance(50_000);
  assert.equal(dialer.dials.length, 1);
  monitor.stop();
  connected({});
  await time.advance(1000);
  assert.equal(cell.health, "unknown");
  assert.equal(dialer.open, 0);
});

Deno.test("health: a target checked in another way keeps its verdict, one checked no more loses it", async () => {
  const { time, dialer, cell, monitor, upstream } = setUp({ type: "tcp", unhealthyThreshold: 1 });
  dialer.answer = () => new ProxyError("upstream_connect_failed", "refused");
  monitor.update([upstream]);
  await time.advance(300);
  assert.equal(cell.health, "unhealthy");
  monitor.update([{ ...upstream, options: { ...upstream.options, intervalSecs: 20 } }]);
  assert.equal(cell.health, "unhealthy");
  monitor.update([]);
  assert.equal(cell.health, "unknown");
});

Deno.test("health: a target that comes back has its verdict within two intervals, whatever the threshold", async () => {
  for (const healthyThreshold of [1, 2, 3, 10]) {
    const { time, dialer, cell, monitor, upstream } = setUp({
      type: "tcp",
      unhealthyThreshold: 1,
      healthyThreshold,
    });
    let well = false;
    dialer.answer = () => well ? {} : new ProxyError("upstream_connect_failed", "refused");
    monitor.update([upstream]);
    await time.advance(20_300);
    assert.equal(cell.health, "unhealthy");
    well = true;
    const before = dialer.dials.length;
    await time.advance(20_000);
    assert.equal(cell.health, "healthy", `threshold ${healthyThreshold}`);
    assert.ok(dialer.dials.length - before >= healthyThreshold);
    const settled = dialer.dials.length;
    await time.advance(30_000);
    assert.equal(dialer.dials.length - settled, 3, "then at its own pace");
  }
});

Deno.test("health: every check is told", async () => {
  const { time, dialer, upstream } = setUp({ type: "tcp" });
  const told: boolean[] = [];
  const monitor = new HealthMonitor({
    dialer,
    clock: time,
    timers: time,
    random: { u32: () => 2 ** 31 },
    log: () => {},
    checked: ({ isGood }) => void told.push(isGood),
  });
  monitor.update([upstream]);
  await time.advance(300);
  dialer.answer = () => new ProxyError("upstream_connect_failed", "refused");
  await time.advance(10_000);
  assert.deepEqual(told, [true, false]);
  monitor.stop();
});
