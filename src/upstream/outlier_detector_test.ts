import assert from "node:assert/strict";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { request } from "../../tests/support/proxy_rig.ts";
import { allocateShared } from "../core/shared_memory.ts";
import type { LiveTarget } from "./live_target.ts";
import { OutlierDetector } from "./outlier_detector.ts";
import type { OutlierDetectionConfig } from "./outlier_options.ts";
import { TargetEjection } from "./target_ejection.ts";
import { openRecords, recordNeeds } from "./target_record.ts";

const TARGET = {} as LiveTarget;
const CONTEXT = request();

function config(over: Partial<OutlierDetectionConfig> = {}): OutlierDetectionConfig {
  return {
    consecutive5xx: 5,
    consecutiveConnectFailures: 3,
    intervalSecs: 10,
    baseEjectionTimeSecs: 30,
    maxEjectionTimeSecs: 70,
    maxEjectionPercent: 50,
    ...over,
  };
}

/** Two threads that judge the targets of one upstream. */
function rigOf(over: Partial<OutlierDetectionConfig> = {}, targetCount = 4) {
  const time = new FakeTime();
  const upstream = {
    id: "api",
    targets: Array.from({ length: targetCount }, (_, i) => ({ address: `10.0.0.${i}:80` })),
  };
  const shared = allocateShared(recordNeeds(upstream, 2), {});
  const told: string[] = [];
  const threads = [0, 1].map((worker) => {
    const records = openRecords(upstream, shared, worker);
    const detector = new OutlierDetector({
      config: config(over),
      version: records.version,
      clock: time,
      random: { u32: () => worker + 1 },
      ejected: (place, reason) => void told.push(`${place} ${reason}`),
      readmitted: (place) => void told.push(`${place} back`),
    });
    const targets = records.targets.map((record, place) =>
      new TargetEjection(record, config(over), (reason) => detector.eject(place, reason))
    );
    detector.watch(targets);
    return { detector, targets, version: records.version };
  });
  const [a, b] = threads as [typeof threads[0], typeof threads[0]];
  const tick = (ms: number) => {
    time.now += ms;
    for (const { detector } of threads) detector.tick(time.now);
  };
  tick(0);
  return { a, b, time, told, tick, ejected: () => a.targets.map(({ isEjected }) => isEjected ? 1 : 0) };
}

Deno.test("outliers: failures in a row eject, counted over threads; a success in between does not let them add up", () => {
  const { a, b, told, ejected } = rigOf();
  const before = a.version.current;
  for (let i = 0; i < 4; i++) {
    (i % 2 === 0 ? a : b).targets[1]!.answered(TARGET, CONTEXT, { status: 503, latencyMs: 1 });
  }
  a.targets[1]!.answered(TARGET, CONTEXT, { status: 404, latencyMs: 1 });
  for (let i = 0; i < 4; i++) a.targets[1]!.failed(TARGET, CONTEXT, "upstream_reset");
  assert.deepEqual(ejected(), [0, 0, 0, 0]);
  b.targets[1]!.answered(TARGET, CONTEXT, { status: 500, latencyMs: 1 });
  assert.deepEqual(ejected(), [0, 1, 0, 0]);
  assert.notEqual(a.version.current, before, "every thread looks at its targets anew");
  assert.deepEqual(told, ["1 consecutive-5xx"]);
});

Deno.test("outliers: failures to connect have a bound of their own; 0 switches either off", () => {
  const { a, told } = rigOf({ consecutive5xx: 0 });
  for (let i = 0; i < 50; i++) a.targets[0]!.answered(TARGET, CONTEXT, { status: 500, latencyMs: 1 });
  assert.deepEqual(told, []);
  for (let i = 0; i < 3; i++) a.targets[0]!.failed(TARGET, CONTEXT, "upstream_connect_failed");
  assert.deepEqual(told, ["0 consecutive-connect-failures"]);
  const off = rigOf({ consecutive5xx: 0, consecutiveConnectFailures: 0 });
  for (let i = 0; i < 50; i++) off.a.targets[0]!.failed(TARGET, CONTEXT, "upstream_connect_timeout");
  assert.deepEqual(off.told, []);
});

Deno.test("outliers: what clients do ejects nobody", () => {
  const { a, told } = rigOf({ consecutive5xx: 1 });
  for (const code of ["client_closed", "request_body_timeout", "upstream_queue_full"] as const) {
    a.targets[0]!.failed(TARGET, CONTEXT, code);
  }
  assert.deepEqual(told, []);
});

Deno.test("outliers: at most the share is out at a time, at least one may be, an only target never", () => {
  const rows = [
    { targets: 1, percent: 100, want: 0 },
    { targets: 2, percent: 0, want: 1 },
    { targets: 4, percent: 50, want: 2 },
    { targets: 4, percent: 74, want: 2 },
    { targets: 10, percent: 10, want: 1 },
    { targets: 10, percent: 100, want: 10 },
  ];
  for (const { targets, percent, want } of rows) {
    const { a, b, ejected } = rigOf({ maxEjectionPercent: percent, consecutive5xx: 1 }, targets);
    for (let i = 0; i < targets; i++) {
      (i % 2 === 0 ? a : b).targets[i]!.answered(TARGET, CONTEXT, { status: 500, latencyMs: 1 });
    }
    assert.equal(ejected().filter((each) => each === 1).length, want, `${targets} at ${percent} %`);
  }
});

Deno.test("outliers: when others go, who is next to come back does at once, so that no more are out than may be", () => {
  const { a, b, tick, told, ejected } = rigOf({ consecutive5xx: 1 });
  for (const place of [1, 0]) {
    a.targets[place]!.answered(TARGET, CONTEXT, { status: 500, latencyMs: 1 });
    tick(100);
  }
  assert.deepEqual(ejected(), [1, 1, 0, 0]);
  told.length = 0;
  for (const { detector, targets } of [a, b]) detector.watch(targets.slice(0, 2));
  tick(100);
  assert.deepEqual([ejected(), told.splice(0)], [[1, 0, 0, 0], ["1 back"]]);
  for (const { detector, targets } of [a, b]) detector.watch(targets.slice(0, 1));
  tick(100);
  assert.deepEqual([ejected(), told], [[0, 0, 0, 0], ["0 back"]], "an only target is never out");
});

Deno.test("outliers: ejections grow, are bounded, and shrink while the target behaves", () => {
  const { a, tick, told, ejected } = rigOf({ consecutive5xx: 1 });
  const lasts = () => {
    a.targets[2]!.answered(TARGET, CONTEXT, { status: 500, latencyMs: 1 });
    let ms = 0;
    while (ejected()[2] === 1) {
      tick(1000);
      ms += 1000;
    }
    return ms;
  };
  assert.deepEqual([lasts(), lasts(), lasts()], [30_000, 60_000, 70_000]);
  assert.deepEqual(told.slice(0, 2), ["2 consecutive-5xx", "2 back"]);
  assert.equal(told.length, 6, "one thread tells");
  for (let i = 0; i < 5; i++) tick(10_000);
  assert.equal(a.targets[2]!.ejections, 0);
  assert.equal(lasts(), 30_000);
});

Deno.test("outliers: a target whose success rate is far below the others' is ejected at the interval's end", () => {
  const rule = { minimumHosts: 4, requestVolume: 100, stdevFactor: 1.5 };
  const { a, b, tick, told } = rigOf({ consecutive5xx: 0, successRate: rule }, 5);
  const send = (place: number, requests: number, failures: number) => {
    for (let i = 0; i < requests; i++) {
      (i % 2 === 0 ? a : b).targets[place]!.answered(TARGET, CONTEXT, {
        status: i < failures ? 500 : 200,
        latencyMs: 1,
      });
    }
  };
  for (const place of [0, 1, 2]) send(place, 100, place);
  send(3, 100, 30);
  send(4, 99, 99);
  tick(9_000);
  assert.deepEqual(told, []);
  tick(1000);
  assert.deepEqual(told, ["3 success-rate"], "the fifth had too few requests");
  tick(10_000);
  assert.deepEqual(told, ["3 success-rate"], "every interval is judged by itself");
});

Deno.test("outliers: a target that is much slower than the middle one is ejected", () => {
  const rule = { factor: 3, minimumMs: 50, minimumHosts: 3, requestVolume: 10 };
  const rows = [
    { latencies: [20, 20, 20, 61], want: ["3 latency"] },
    { latencies: [20, 20, 20, 59], want: [] },
    { latencies: [5, 5, 5, 49], want: [] },
    { latencies: [100, 110, 120, 130], want: [] },
    { latencies: [20, 500, 20, 900], want: ["3 latency", "1 latency"] },
  ];
  for (const { latencies, want } of rows) {
    const { a, tick, told } = rigOf({ latency: rule });
    latencies.forEach((ms, place) => {
      for (let i = 0; i < 10; i++) {
        a.targets[place]!.answered(TARGET, CONTEXT, { status: 200, latencyMs: ms });
      }
    });
    tick(10_000);
    assert.deepEqual(told, want, latencies.join(" "));
  }
});

Deno.test("outliers: active checks bring back who was silent, not who answers badly", () => {
  for (const [how, want] of [["silent", 0], ["bad", 1]] as const) {
    const { a, b, tick, time, ejected } = rigOf({ consecutive5xx: 2 });
    for (let i = 0; i < 2; i++) {
      if (how === "silent") a.targets[0]!.failed(TARGET, CONTEXT, "upstream_reset");
      else a.targets[0]!.answered(TARGET, CONTEXT, { status: 503, latencyMs: 1 });
    }
    b.targets[0]!.record.foundWell(time.now);
    tick(200);
    assert.deepEqual(ejected(), [1, 0, 0, 0], "a check of the same moment says nothing");
    b.targets[0]!.record.foundWell(time.now);
    tick(100);
    assert.equal(ejected()[0], want, how);
  }
});

Deno.test("outliers: who was silent once and answers badly now is not brought back by a check", () => {
  const latency = { minimumHosts: 3, requestVolume: 1, factor: 3, minimumMs: 50 };
  const { a, tick, time, told } = rigOf({ consecutive5xx: 2, latency });
  for (let i = 0; i < 2; i++) a.targets[0]!.failed(TARGET, CONTEXT, "upstream_reset");
  tick(200);
  a.targets[0]!.record.foundWell(time.now);
  tick(100);
  assert.deepEqual(told.splice(0), ["0 consecutive-5xx", "0 back"]);
  a.targets.forEach((target, place) => {
    target.answered(TARGET, CONTEXT, { status: 200, latencyMs: place === 0 ? 900 : 10 });
  });
  tick(10_000);
  assert.deepEqual(told.splice(0), ["0 latency"]);
  time.now += 200;
  a.targets[0]!.record.foundWell(time.now);
  tick(100);
  assert.deepEqual(told, [], "it is as slow as it was");
});

Deno.test("outliers: a target that checks found ill and well again is back, whatever it was ejected for", () => {
  const { a, b, tick, time, ejected } = rigOf({ consecutive5xx: 1 });
  a.targets[0]!.answered(TARGET, CONTEXT, { status: 503, latencyMs: 1 });
  b.targets[0]!.record.setHealth("unhealthy", time.now);
  tick(500);
  assert.equal(ejected()[0], 1);
  b.targets[0]!.record.setHealth("healthy", time.now);
  tick(0);
  assert.equal(ejected()[0], 0);
});
