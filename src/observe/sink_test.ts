import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { BatchingSink, LARGE_BATCH_BYTES, TICKS_UNTIL_FLUSH } from "./sink.ts";
import type { LineWriter } from "./sink.ts";

/** A writer that finishes when it is told to. */
class ManualWriter implements LineWriter {
  readonly batches: string[] = [];
  closed = false;
  #finish: ((failure?: Error) => void) | undefined;

  write(lines: Uint8Array): Promise<void> {
    this.batches.push(new TextDecoder().decode(lines));
    return new Promise((resolve, reject) => {
      this.#finish = (failure) => failure === undefined ? resolve() : reject(failure);
    });
  }

  async finish(failure?: Error): Promise<void> {
    this.#finish?.(failure);
    this.#finish = undefined;
    for (let turns = 0; turns < 5; turns++) await Promise.resolve();
  }

  // deno-lint-ignore require-await -- the interface is asynchronous.
  async close(): Promise<void> {
    this.closed = true;
  }
}

function rig(options: { flushBytes: number; pendingBytesMax?: number }) {
  const writer = new ManualWriter();
  let tick = () => {};
  let stopped = false;
  const timers = {
    after: () => () => {},
    every: (_: number, run: () => void) => {
      tick = run;
      return () => void (stopped = true);
    },
  };
  const sink = new BatchingSink({ writer, timers, ...options });
  return { sink, writer, tick: () => tick(), isStopped: () => stopped };
}

Deno.test("BatchingSink: writes at its size, not before", () => {
  const { sink, writer } = rig({ flushBytes: 8 });
  sink.write("123\n");
  sink.write("45\n");
  deepEqual(writer.batches, []);
  sink.write("\n");
  deepEqual(writer.batches, ["123\n45\n\n"]);
});

Deno.test("BatchingSink: writes once a second what there is", () => {
  const { sink, writer, tick } = rig({ flushBytes: 1000 });
  for (let ticks = 0; ticks < TICKS_UNTIL_FLUSH; ticks++) tick();
  deepEqual(writer.batches, [], "nothing is not written");
  const { sink: late, writer: out, tick: pass } = rig({ flushBytes: 1000 });
  late.write("a\n");
  for (let ticks = 1; ticks < TICKS_UNTIL_FLUSH; ticks++) pass();
  deepEqual(out.batches, []);
  pass();
  deepEqual(out.batches, ["a\n"]);
  equal(sink.dropped, 0);
});

Deno.test("BatchingSink: under load one write in a tick, or when much has gathered", async () => {
  const { sink, writer, tick } = rig({ flushBytes: 4 });
  sink.write("111\n");
  await writer.finish();
  sink.write("222\n");
  deepEqual(writer.batches, ["111\n"], "the second write of this tick waits");
  tick();
  deepEqual(writer.batches, ["111\n", "222\n"]);
  await writer.finish();
  sink.write("x".repeat(LARGE_BATCH_BYTES - 2) + "\n");
  equal(writer.batches.length, 2, "just below");
  sink.write("\n");
  equal(writer.batches.length, 3, "much is written at once");
});

Deno.test("BatchingSink: a batch grows while another is written", async () => {
  const { sink, writer } = rig({ flushBytes: 0 });
  for (const line of ["a\n", "b\n", "c\n"]) sink.write(line);
  deepEqual(writer.batches, ["a\n"]);
  await writer.finish();
  deepEqual(writer.batches, ["a\n", "b\nc\n"]);
});

Deno.test("BatchingSink: beyond its bound lines are dropped and counted", async () => {
  const { sink, writer, tick } = rig({ flushBytes: 4, pendingBytesMax: 8 });
  sink.write("aaa\n");
  sink.write("bbb\n");
  sink.write("ccc\n");
  equal(sink.dropped, 0, "at the bound");
  sink.write("\n");
  equal(sink.dropped, 1, "above the bound");
  await writer.finish();
  tick();
  deepEqual(writer.batches, ["aaa\n", "bbb\nccc\n"]);
  sink.write("d\n");
  equal(sink.dropped, 1, "there is room again");
});

Deno.test("BatchingSink: lines of a failed write are counted, and later ones are written", async () => {
  const { sink, writer } = rig({ flushBytes: 0 });
  sink.write("a\n");
  sink.write("b\n");
  await writer.finish(new Error("disk full"));
  equal(sink.dropped, 1);
  await writer.finish();
  sink.write("c\n");
  deepEqual(writer.batches, ["a\n", "b\n", "c\n"]);
  equal(sink.dropped, 1);
});

Deno.test("BatchingSink: flush waits for what was there, close for everything", async () => {
  const { sink, writer, isStopped } = rig({ flushBytes: 1000 });
  const events: string[] = [];
  sink.write("a\n");
  const flushed = sink.flush().then(() => events.push("flushed"));
  sink.write("b\n");
  equal(events.length, 0);
  await writer.finish();
  await writer.finish();
  await flushed;
  sink.write("c\n");
  const closed = sink.close();
  await writer.finish();
  await writer.finish();
  await closed;
  equal(writer.batches.join(""), "a\nb\nc\n");
  ok(writer.closed && isStopped());
  sink.write("late\n");
  equal(sink.dropped, 1);
  await sink.close();
});

Deno.test("BatchingSink: text that is no ASCII arrives whole", async () => {
  const { sink, writer } = rig({ flushBytes: 1 });
  const line = "é".repeat(5000) + "\n";
  sink.write(line);
  await writer.finish();
  deepEqual(writer.batches, [line]);
});

Deno.test("BatchingSink: every line is written once or counted as dropped", async () => {
  const event = fc.oneof(
    fc.record({ write: fc.integer({ min: 1, max: 40 }) }),
    fc.constant({ finish: true }),
    fc.constant({ fail: true }),
    fc.constant({ tick: true }),
  );
  const seed = 7;
  console.log(`seed ${seed}`);
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const { sink, writer, tick } = rig({ flushBytes: 30, pendingBytesMax: 100 });
      let written = 0;
      let failedLines = 0;
      for (const each of events) {
        if ("write" in each) sink.write(`${String(written++).padEnd(each.write, "x")}\n`);
        if ("tick" in each) tick();
        if ("finish" in each) await writer.finish();
        if ("fail" in each) {
          const before = sink.dropped;
          await writer.finish(new Error("no"));
          failedLines += sink.dropped - before;
        }
      }
      const closed = sink.close();
      for (let round = 0; round < 4; round++) await writer.finish();
      await closed;
      const arrived = writer.batches.join("").split("\n").length - 1;
      equal(arrived - failedLines + sink.dropped, written);
    }),
    { seed },
  );
});
