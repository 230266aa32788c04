import assert from "node:assert/strict";
import { allocateShared } from "../core/shared_memory.ts";
import { clearRecordRow, openRecords, recordNeeds } from "./target_record.ts";

const WORKERS = 3;

function upstream(...addresses: string[]) {
  return { id: "api", targets: addresses.map((address) => ({ address })) };
}

Deno.test("target record: state follows the address through changes of the list", () => {
  const before = upstream("a:1", "b:1", "c:1");
  const after = upstream("new:1", "c:1", "b:1");
  const shared = allocateShared(recordNeeds(before, WORKERS), {});
  const [, b, c] = openRecords(before, shared, 1).targets;
  b!.drain();
  c!.setHealth("unhealthy", 5);
  assert.ok(b!.tryBegin(Infinity));

  const kept = allocateShared(recordNeeds(after, WORKERS), shared);
  const [fresh, cThen, bThen] = openRecords(after, kept, 0).targets;
  assert.deepEqual([fresh!.draining, cThen!.draining, bThen!.draining], [false, false, true]);
  assert.deepEqual([fresh!.health, cThen!.health, bThen!.health], ["unknown", "unhealthy", "unknown"]);
  assert.deepEqual([fresh!.inFlight, cThen!.inFlight, bThen!.inFlight], [0, 0, 1]);
  b!.end();
  assert.equal(bThen!.inFlight, 0);
});

Deno.test("target record: the version grows with changes only", () => {
  const config = upstream("a:1", "b:1");
  const shared = allocateShared(recordNeeds(config, WORKERS), {});
  const { version, targets: [a, b] } = openRecords(config, shared, 0);
  const steps: [name: string, act: () => unknown, grows: number][] = [
    ["verdict", () => a!.setHealth("unhealthy", 0), 1],
    ["same verdict", () => a!.setHealth("unhealthy", 0), 0],
    ["recovery", () => a!.setHealth("healthy", 0), 1],
    ["drain", () => b!.drain(), 1],
    ["drain again", () => b!.drain(), 0],
    ["undrain", () => b!.undrain(0), 1],
    ["undrain again", () => b!.undrain(0), 0],
    ["counting", () => a!.tryBegin(Infinity) && a!.end(), 0],
    ["by another part", () => a!.changed(), 1],
  ];
  for (const [name, act, grows] of steps) {
    const before = version.current;
    act();
    assert.equal(version.current - before, grows, name);
  }
});

Deno.test("target record: a bound holds over all threads, below and at it", () => {
  const config = upstream("a:1");
  const shared = allocateShared(recordNeeds(config, WORKERS), {});
  const [one, two] = [0, 2].map((worker) => openRecords(config, shared, worker).targets[0]!);
  assert.deepEqual([one!.tryBegin(2), two!.tryBegin(2), one!.tryBegin(2), two!.tryBegin(2)], [
    true,
    true,
    false,
    false,
  ]);
  assert.equal(one!.inFlight, 2);
  two!.end();
  assert.ok(one!.tryBegin(2));
});

Deno.test("target record: what a dead worker counted is taken back, and everybody looks anew", () => {
  const config = upstream("a:1");
  const shared = allocateShared(recordNeeds(config, WORKERS), {});
  const [alive, dead] = [0, 1].map((worker) => openRecords(config, shared, worker));
  for (const { targets: [record] } of [alive!, dead!]) {
    record!.tryBegin(Infinity);
    record!.addTokens(100);
    record!.rowRoom("breaker")[0] = 1;
    record!.room("breaker")[0] = 7;
  }
  const before = alive!.version.current;
  for (const [key, memory] of Object.entries(shared)) clearRecordRow(key, memory, 1);
  const record = alive!.targets[0]!;
  assert.deepEqual([record.inFlight, record.tokens], [1, 100]);
  assert.deepEqual([record.rowRoom("breaker")[0], dead!.targets[0]!.rowRoom("breaker")[0]], [1, 0]);
  assert.equal(record.room("breaker")[0], 7, "what all threads share stays");
  assert.notEqual(alive!.version.current, before);
});

Deno.test("target record: rooms do not overlap", () => {
  const config = upstream("a:1");
  const shared = allocateShared(recordNeeds(config, WORKERS), {});
  const records = [0, 1, 2].map((worker) => openRecords(config, shared, worker).targets[0]!);
  for (const record of records) {
    for (const name of ["breaker", "ejection"] as const) {
      record.rowRoom(name).forEach((_, i, room) => Atomics.add(room, i, 1));
    }
  }
  for (const name of ["breaker", "ejection", "balancer"] as const) {
    records[0]!.room(name).forEach((_, i, room) => Atomics.add(room, i, 1));
  }
  for (const record of records) {
    const all = (["breaker", "ejection"] as const).flatMap((name) => [...record.rowRoom(name)]);
    const common = (["breaker", "ejection", "balancer"] as const).flatMap((name) => [...record.room(name)]);
    assert.ok([...all, ...common].every((cell) => cell === 1));
    assert.deepEqual([record.inFlight, record.tokens, record.health, record.draining], [
      0,
      0,
      "unknown",
      false,
    ]);
  }
});

Deno.test("target record: it rises when it is new, healthy again or back in service", () => {
  const config = upstream("a:1");
  const shared = allocateShared(recordNeeds(config, WORKERS), {});
  const record = openRecords(config, shared, 0).targets[0]!;
  record.riseFirst(1000);
  record.riseFirst(9000);
  assert.equal(record.risenForMs(10_000), 9000);
  record.setHealth("healthy", 10_000);
  assert.equal(record.risenForMs(10_000), 9000, "a first verdict changes nothing");
  record.setHealth("unhealthy", 11_000);
  record.setHealth("healthy", 12_000);
  assert.equal(record.risenForMs(12_500), 500);
  record.drain();
  record.undrain(20_000);
  assert.equal(record.risenForMs(20_000), 0);
});
