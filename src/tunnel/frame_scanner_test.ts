import { deepEqual, equal } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { frameBytes, type FrameSketch } from "../../tests/support/websocket_peer.ts";
import { FrameScanner, type ScanRules } from "./frame_scanner.ts";
import { closePayload } from "./frames.ts";

const ANY: ScanRules = { messageBytesMax: Infinity, rate: null, isStrict: true };

const sketch: fc.Arbitrary<FrameSketch> = fc.record({
  opcode: fc.constantFrom(1, 2, 8, 9, 10),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 125 }),
    fc.uint8Array({ minLength: 126, maxLength: 300 }),
    fc.constant(new Uint8Array(66_000)),
  ),
  rsv: fc.nat(7),
  masked: fc.boolean(),
}).map((each) => each.opcode < 8 ? each : { ...each, payload: each.payload.subarray(0, 125) });

/** Feeds bytes in pieces as a splice does; what was let through, and what was seen. */
function feed(bytes: Uint8Array, cuts: readonly number[], rules: ScanRules = ANY) {
  const seen: [number, number][] = [];
  const scanner = new FrameScanner(rules, { frame: (opcode, length) => void seen.push([opcode, length]) });
  const passed: number[] = [];
  let held: number[] = [];
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = Uint8Array.from([...held, ...bytes.subarray(from, Math.max(from, cut))]);
    from = Math.max(from, cut);
    const count = scanner.scan(piece, piece.length);
    for (const octet of piece.subarray(0, count)) passed.push(octet);
    held = [...piece.subarray(count)];
    if (scanner.violation !== null) break;
  }
  return { seen, passed, held, scanner };
}

Deno.test("frames are told apart however their bytes are cut", () => {
  fc.assert(
    fc.property(
      fc.array(sketch, { maxLength: 6 }),
      fc.array(fc.nat(1000), { maxLength: 8 }),
      (frames, cuts) => {
        const parts = frames.map((each) => frameBytes(each, { client: false }));
        const bytes = Uint8Array.from(parts.flatMap((part) => [...part]));
        const sorted = [...cuts].filter((cut) => cut < bytes.length).sort((a, b) => a - b);
        const { seen, passed, held, scanner } = feed(bytes, sorted);
        deepEqual(seen, frames.map(({ opcode, payload }) => [opcode, (payload as Uint8Array).length]));
        equal(passed.length, bytes.length);
        equal(held.length, 0);
        equal(scanner.isAtBoundary, true);
        equal(scanner.messages, frames.filter(({ opcode }) => opcode < 8).length);
      },
    ),
    { numRuns: 150 },
  );
});

Deno.test("bytes of any kind never make it throw, and never more is let through than came", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.array(fc.nat(200), { maxLength: 5 }),
      fc.boolean(),
      (bytes, cuts, isStrict) => {
        const sorted = [...cuts].filter((cut) => cut < bytes.length).sort((a, b) => a - b);
        const { passed, held } = feed(bytes, sorted, { ...ANY, isStrict, messageBytesMax: 100 });
        deepEqual(passed, [...bytes.subarray(0, passed.length)]);
        deepEqual(held, [...bytes.subarray(passed.length, passed.length + held.length)]);
      },
    ),
  );
});

Deno.test("what is not let through begins with the frame that breaks a rule", () => {
  const good = frameBytes({ opcode: 1, payload: "ok" }, { client: true });
  const cases: readonly { name: string; bad: FrameSketch; rules?: Partial<ScanRules>; code: number }[] = [
    {
      name: "one over the bound",
      bad: { opcode: 2, payload: "x".repeat(11) },
      rules: { messageBytesMax: 10 },
      code: 1009,
    },
    { name: "no such opcode", bad: { opcode: 3 }, code: 1002 },
    { name: "a fragment of nothing", bad: { opcode: 0 }, code: 1002 },
    { name: "a long control frame", bad: { opcode: 9, payload: "x".repeat(126) }, code: 1002 },
    { name: "a control frame in fragments", bad: { opcode: 9, fin: false }, code: 1002 },
    {
      name: "a length nobody can count",
      bad: { opcode: 2, length: Number.MAX_SAFE_INTEGER + 1 },
      code: 1002,
    },
  ];
  for (const { name, bad, rules, code } of cases) {
    const bytes = Uint8Array.from([...good, ...frameBytes(bad, { client: true })]);
    const { passed, scanner } = feed(bytes, [], { ...ANY, ...rules });
    equal(scanner.violation?.code, code, name);
    deepEqual(passed, [...good], name);
  }
  const exact = feed(frameBytes({ opcode: 2, payload: "x".repeat(10) }, { client: true }), [], {
    ...ANY,
    messageBytesMax: 10,
  });
  equal(exact.scanner.violation, null);
});

Deno.test("who only watches lets everything pass once frames make no sense", () => {
  const bytes = Uint8Array.from([...frameBytes({ opcode: 7 }, { client: true }), 1, 2, 3]);
  const { passed, scanner } = feed(bytes, [], { ...ANY, isStrict: false });
  equal(passed.length, bytes.length);
  equal(scanner.isLost, true);
  equal(scanner.isAtBoundary, false);
});

Deno.test("the first Close frame is read, whatever its mask and its cuts", () => {
  for (const client of [true, false]) {
    const frame = frameBytes({ opcode: 8, payload: closePayload(4001, "genug €") }, { client });
    for (let cut = 0; cut < frame.length; cut++) {
      deepEqual(feed(frame, [cut]).scanner.closed, { code: 4001, reason: "genug €" });
    }
  }
  deepEqual(feed(frameBytes({ opcode: 8 }, { client: true }), []).scanner.closed, { code: 1005, reason: "" });
});
