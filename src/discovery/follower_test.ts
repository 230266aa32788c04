import assert from "node:assert/strict";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { type Answer, type DiscoveredTarget, DiscoveryError, type Finder } from "./discovery.ts";
import { Follower, type RefreshOutcome } from "./follower.ts";

const targets = (...addresses: string[]): DiscoveredTarget[] =>
  addresses.map((address) => ({ address, weight: 1 }));
const [A, B] = ["10.0.0.1:80", "10.0.0.2:80"];

type Step = Answer | Error;

/** A source that says one thing after the other, and then nothing more. */
class Script implements Finder {
  readonly steps: Step[];
  asked = 0;
  isClosed = false;
  #wake: (() => void) | null = null;

  constructor(steps: readonly Step[]) {
    this.steps = [...steps];
  }

  async next(signal: AbortSignal): Promise<Answer> {
    this.asked++;
    while (this.steps.length === 0) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        signal.addEventListener("abort", () => resolve());
      });
      signal.throwIfAborted();
    }
    const step = this.steps.shift()!;
    if (step instanceof Error) throw step;
    return step;
  }

  say(step: Step): void {
    this.steps.push(step);
    this.#wake?.();
  }

  close(): void {
    this.isClosed = true;
  }
}

async function setUp(
  steps: readonly Step[],
  init: {
    onEmpty?: "keep" | "apply";
    maxTargets?: number;
    initialWaitSecs?: number;
    seed?: DiscoveredTarget[];
  } = {},
) {
  const time = new FakeTime();
  const finder = new Script(steps);
  const lines: string[] = [];
  const outcomes: RefreshOutcome[] = [];
  const seen: string[] = [];
  const follower: Follower = new Follower({
    upstreamId: "api",
    type: "dns",
    subject: "api.test:80",
    options: {
      onEmpty: init.onEmpty ?? "keep",
      maxTargets: init.maxTargets ?? 10,
      initialWaitSecs: init.initialWaitSecs ?? 5,
    },
    finder,
    ports: {
      clock: time,
      timers: time,
      random: { u32: () => 2 ** 31 },
      log: (level, message, fields) => lines.push(`${level} ${message} ${JSON.stringify(fields)}`),
    },
    seed: init.seed,
    changed: () => seen.push((follower.targets ?? []).map(({ address }) => address).join()),
    refreshed: (outcome) => outcomes.push(outcome),
  });
  follower.start();
  await time.advance(0);
  return { time, finder, follower, lines, outcomes, seen };
}

const good = (againAfterMs: number, ...addresses: string[]): Answer => ({
  targets: targets(...addresses),
  againAfterMs,
});

Deno.test("follower: asks again when the answer is over, and tells of changes only", async () => {
  const { time, finder, seen, outcomes } = await setUp([
    good(1000, A),
    good(1000, A),
    good(1000, B, A),
    good(1e9, B),
  ]);
  await time.advance(0);
  assert.deepEqual([finder.asked, seen], [1, [A]]);
  await time.advance(999);
  assert.equal(finder.asked, 1);
  await time.advance(1);
  assert.deepEqual([finder.asked, seen], [2, [A]]);
  await time.advance(2000);
  assert.deepEqual(seen, [A, `${A},${B}`, B]);
  assert.deepEqual(outcomes, ["success", "success", "success", "success"]);
  await time.leap(3_600_000);
  assert.equal(finder.asked, 5, "once an hour at least");
});

Deno.test("follower: a source that has news all the time is asked after a pause", async () => {
  const { time, finder } = await setUp(Array.from({ length: 100 }, (_, i) => good(0, `10.0.0.${i}:80`)));
  await time.advance(499);
  assert.equal(finder.asked, 10);
});

Deno.test("follower: failures keep the last answer, wait longer and longer, and are told once", async () => {
  const failures = Array.from({ length: 8 }, (_, i) => new Error(`reason ${i}`));
  const { time, finder, follower, lines, seen } = await setUp([good(1000, A), ...failures, good(1000, A)]);
  await time.advance(1000);
  assert.deepEqual(follower.targets, targets(A));
  // It has failed once by now.
  for (const pauseMs of [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000]) {
    const before = finder.asked;
    await time.leap(pauseMs - 1);
    assert.equal(finder.asked, before, `${pauseMs} ms are not over`);
    await time.leap(1);
    assert.equal(finder.asked, before + 1, `${pauseMs} ms are over`);
  }
  assert.deepEqual(seen, [A]);
  assert.deepEqual(lines.map((line) => line.split(" {")[0]), [
    "info Discovered targets changed",
    "warn Discovery failed; the last targets stay",
    "info Discovery works again",
  ]);
  assert.match(lines[1]!, /"upstream":"api","discovery":"dns".*"error":"reason 0","targets":1/);
  const { failuresInARow, lastError, ageMs } = follower.state();
  assert.deepEqual([failuresInARow, lastError, ageMs! < 1000], [0, undefined, true]);
});

Deno.test("follower: state tells of age, errors and what was left out", async () => {
  const answer = { ...good(1000, A, "not an address"), rejected: { count: 2, first: "x" } };
  const { time, follower } = await setUp([answer, new Error("y".repeat(1000))]);
  await time.advance(1500);
  const { targets: count, ageMs, failuresInARow, lastError, rejected } = follower.state();
  assert.deepEqual([count, ageMs, failuresInARow, rejected, lastError!.length], [1, 1500, 1, 3, 301]);
});

Deno.test("follower: a failure may say itself when to ask again", async () => {
  const { time, finder } = await setUp([
    new DiscoveryError("wait", { againAfterMs: 0 }),
    new Error("x"),
    good(1000, A),
  ]);
  await time.advance(50);
  assert.equal(finder.asked, 2);
  await time.advance(1999);
  assert.equal(finder.asked, 2, "the second in a row");
});

Deno.test("follower: an empty answer is kept out or applied", async () => {
  const zero: Answer = { targets: [{ address: A, weight: 0 }], againAfterMs: 1000 };
  for (const empty of [good(1000), zero]) {
    const keeps = await setUp([good(1000, A), empty, empty, good(1000, B)]);
    await keeps.time.advance(2500);
    assert.deepEqual(keeps.follower.targets, targets(A));
    assert.deepEqual([keeps.follower.state().keepsOld, keeps.outcomes], [true, [
      "success",
      "empty",
      "empty",
    ]]);
    assert.equal(keeps.lines.filter((line) => line.includes("found no targets")).length, 1);
    await keeps.time.advance(1000);
    assert.deepEqual([keeps.seen, keeps.follower.state().keepsOld], [[A, B], false]);
    assert.match(keeps.lines.at(-2)!, /works again/);

    const applies = await setUp([good(1000, A), empty], { onEmpty: "apply" });
    await applies.time.advance(1500);
    assert.deepEqual(applies.follower.targets, empty.targets);
    assert.deepEqual(applies.outcomes, ["success", "empty"]);
  }
});

Deno.test("follower: too many targets are refused as a whole; as many as allowed are not", async () => {
  const { time, follower } = await setUp([good(1000, A, B), good(1000, A, B, "10.0.0.3:80")], {
    maxTargets: 2,
  });
  await time.advance(1500);
  assert.deepEqual(follower.targets, targets(A, B));
  assert.match(follower.state().lastError!, /more targets than max-targets, 2/);
});

/** Whether the wait for a first answer is over at once, after each of these times. */
async function waits(follower: Follower, time: FakeTime, init: { hasOthers: boolean; stepsMs: number[] }) {
  let isOver = false;
  void follower.settled(init).then(() => isOver = true);
  const seen: boolean[] = [];
  for (const ms of init.stepsMs) {
    await time.advance(ms);
    seen.push(isOver);
  }
  return seen;
}

Deno.test("follower: the first answer is waited for, within a bound", async () => {
  const stepsMs = [0, 4999, 1];
  const cases: {
    name: string;
    steps: Step[];
    hasOthers?: boolean;
    seed?: DiscoveredTarget[];
    wait?: number;
    want: boolean[];
  }[] = [
    { name: "an answer", steps: [good(1000, A)], want: [true, true, true] },
    { name: "silence", steps: [], want: [false, false, true] },
    { name: "silence, and others to serve", steps: [], hasOthers: true, want: [false, false, true] },
    { name: "a failure", steps: [new Error("x")], want: [false, false, true] },
    {
      name: "a failure, and others to serve",
      steps: [new Error("x")],
      hasOthers: true,
      want: [true, true, true],
    },
    {
      name: "a failure, and what it said before",
      steps: [new Error("x")],
      seed: targets(B),
      want: [true, true, true],
    },
    {
      name: "a failure, and then an answer",
      steps: [new Error("x"), good(1000, A)],
      want: [false, true, true],
    },
    { name: "no wait", steps: [], wait: 0, want: [true, true, true] },
  ];
  for (const { name, steps, hasOthers = false, seed, wait, want } of cases) {
    const { follower, time } = await setUp(steps, {
      ...(seed === undefined ? {} : { seed }),
      ...(wait === undefined ? {} : { initialWaitSecs: wait }),
    });
    assert.deepEqual(await waits(follower, time, { hasOthers, stepsMs }), want, name);
    follower.stop();
  }
});

Deno.test("follower: ends with everything it started, whatever it was at", async () => {
  for (const steps of [[], [good(1000, A)], [new Error("x")]]) {
    const { follower, finder, time, seen } = await setUp(steps);
    const before = new FakeTime().pending;
    await time.advance(0);
    follower.stop();
    finder.say(good(0, B));
    await time.advance(10_000);
    assert.deepEqual([time.pending, finder.isClosed, seen.includes(B)], [before, true, false]);
  }
});
