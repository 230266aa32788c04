/**
 * What expressions cost: `deno run -A --config wasm-agents/deno.json wasm-agents/waf/regex/bench.ts`. All expressions
 * of the Core Rule Set on ordinary values and on texts made to hurt them, and all its literals in one scan.
 */

import { SeededRandom } from "../../../tests/support/mutations.ts";
import { compileProbe, type Probe } from "../testing/compile_probe.ts";
import { crsExpressions, crsPhrases } from "../testing/crs_expressions.ts";
import { hurtingTexts } from "./oracle/hurting.ts";
import { type Part, readPattern } from "./oracle/pattern.ts";

const MODSECURITY_3 = 22;

const VALUES = [
  "12345",
  "en-US,en;q=0.9,de;q=0.8",
  "2024-05-17T10:22:31Z",
  "summer sale blue running shoes",
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36",
  "/products/category/shoes/item-4711.html",
  "sid=8f14e45fceea167a5a36dedd4bea2543",
  "jane.doe@example.com",
];

const HURTING_BYTES = 8192;

/** The best of a few measurements, in nanoseconds. */
function nanoseconds(run: () => unknown, rounds = 5): number {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    run();
    best = Math.min(best, performance.now() - start);
  }
  return best * 1e6;
}

function say(what: string, figure: string): void {
  console.log(`${what.padEnd(64)} ${figure}`);
}

interface Measured {
  readonly id: string;
  readonly part: Part;
  readonly number: number;
}

function compileAll(
  probe: Probe,
  all: readonly { readonly id: string; readonly pattern: string }[],
): Measured[] {
  const before = probe.bytesUsed;
  const start = performance.now();
  const measured = all.map(({ id, pattern }) => {
    const number = probe.call("compile", pattern, MODSECURITY_3);
    probe.keep();
    return { id, part: readPattern(pattern, MODSECURITY_3), number };
  });
  const instructions = measured.reduce((sum, { number }) => sum + probe.call("programSize", number), 0);
  say(
    `compile ${all.length} expressions`,
    `${(performance.now() - start).toFixed(0)} ms (with the bench's own reading)`,
  );
  say("  instructions", `${instructions}`);
  say(
    "  memory, with the room for states and for compiling",
    `${((probe.bytesUsed - before) / 1e6).toFixed(1)} MB`,
  );
  return measured;
}

function ordinary(probe: Probe, all: readonly Measured[]): void {
  const bytes = VALUES.reduce((sum, value) => sum + value.length, 0);
  const calls = all.length * VALUES.length;
  const places = VALUES.map((value) => probe.put(value));
  const each = (name: string, times: number) => () => {
    for (const { number } of all) {
      for (const { at, length } of places) probe.exports[name]!(number, at, length, times);
    }
  };
  const cold = nanoseconds(each("testMany", 1), 1);
  say("test, states not made yet", `${(cold / calls).toFixed(0)} ns a call`);
  const warm = nanoseconds(each("testMany", 100)) / 100;
  say(
    "test",
    `${(warm / calls).toFixed(1)} ns a call, ${(warm / (all.length * bytes)).toFixed(2)} ns a byte`,
  );
  const slow = nanoseconds(each("testSlowly", 1));
  say(
    "test without states",
    `${(slow / calls).toFixed(0)} ns a call, ${(slow / (all.length * bytes)).toFixed(1)} ns a byte`,
  );
  const matching = all.flatMap(({ number }) =>
    places.filter(({ at, length }) => probe.exports.test!(number, at, length)).map((place) => ({
      number,
      ...place,
    }))
  );
  const capture = nanoseconds(() => {
    for (const { number, at, length } of matching) probe.exports.captureMany!(number, at, length, 10);
  }) / 10;
  const length = matching.reduce((sum, each) => sum + each.length, 0);
  say(
    `capture, ${matching.length} that match`,
    `${(capture / matching.length).toFixed(0)} ns a call, ${(capture / length).toFixed(1)} ns a byte`,
  );
  probe.end();
}

function adversarial(probe: Probe, all: readonly Measured[]): void {
  const random = new SeededRandom(6);
  const rows: { id: string; kind: string; call: string; ns: number }[] = [];
  const sums = new Map<string, number>();
  for (const { id, part, number } of all) {
    for (const [kind, text] of hurtingTexts(part, random, HURTING_BYTES)) {
      const { at, length } = probe.put(text);
      for (const call of ["test", "testSlowly", "capture"]) {
        const ns = nanoseconds(() => probe.exports[call]!(number, at, length), 1);
        rows.push({ id, kind, call, ns });
        sums.set(`${call}, ${kind}`, (sums.get(`${call}, ${kind}`) ?? 0) + ns);
      }
      probe.end();
    }
  }
  for (const [what, ns] of sums) {
    say(`${HURTING_BYTES} hurting bytes, all expressions: ${what}`, `${(ns / 1e6).toFixed(1)} ms`);
  }
  for (const call of ["test", "testSlowly", "capture"]) {
    const worst = rows.filter((row) => row.call === call).sort((a, b) => b.ns - a.ns).slice(0, 6);
    for (const { id, kind, ns } of worst) {
      say(
        `  worst ${call}: ${id}, ${kind}`,
        `${(ns / 1e6).toFixed(2)} ms, ${(ns / HURTING_BYTES).toFixed(0)} ns a byte`,
      );
    }
  }
}

/** What one text costs that is made for one expression and tested with all. */
function together(probe: Probe, all: readonly Measured[]): void {
  const random = new SeededRandom(11);
  const rows: { readonly id: string; readonly ns: number }[] = [];
  for (let index = 0; index < all.length; index += 8) {
    const { id, part } = all[index]!;
    const { at, length } = probe.put(hurtingTexts(part, random, HURTING_BYTES).get("beginnings")!);
    const ns = nanoseconds(() => {
      for (const { number } of all) probe.exports.test!(number, at, length);
    }, 1);
    rows.push({ id, ns });
    probe.end();
  }
  rows.sort((a, b) => b.ns - a.ns);
  const mean = rows.reduce((sum, { ns }) => sum + ns, 0) / rows.length;
  say(`${HURTING_BYTES} hurting bytes, one text through all expressions`, `${(mean / 1e6).toFixed(1)} ms`);
  for (const { id, ns } of rows.slice(0, 3)) say(`  worst: made for ${id}`, `${(ns / 1e6).toFixed(1)} ms`);
}

async function scans(literals: readonly string[]): Promise<void> {
  const probe = await compileProbe("scan/scan_probe.ts");
  probe.call("begin");
  const start = performance.now();
  literals.forEach((literal, index) => probe.call("add", literal, index));
  probe.call("build");
  probe.keep();
  say(`build a scan for ${literals.length} literals`, `${(performance.now() - start).toFixed(0)} ms`);
  say("  tables", `${(probe.call("tableBytes") / 1e6).toFixed(1)} MB`);
  const bytes = VALUES.reduce((sum, value) => sum + value.length, 0);
  const places = VALUES.map((value) => probe.put(value));
  const short = nanoseconds(() => {
    for (const { at, length } of places) probe.exports.scanMany!(at, length, 10_000);
  }) / 10_000;
  say("scan", `${(short / VALUES.length).toFixed(0)} ns a value, ${(short / bytes).toFixed(2)} ns a byte`);
  const long = probe.put(Array.from({ length: 100 }, (_, index) => VALUES[index % VALUES.length]).join(" "));
  const all = nanoseconds(() => probe.exports.scanMany!(long.at, long.length, 100)) / 100;
  say(`scan of ${long.length} bytes`, `${(all / long.length).toFixed(2)} ns a byte`);
}

const expressions = crsExpressions();
if (!expressions) {
  console.error("The Core Rule Set is not here: set CRS_DIR.");
  Deno.exit(1);
}
const probe = await compileProbe("regex/regex_probe.ts");
const all = compileAll(probe, expressions);
const literals = all.flatMap(({ number }) =>
  Array.from(
    { length: probe.call("literalCount", number) },
    (_, index) => String.fromCharCode(...probe.object(probe.call("literal", number, index))),
  )
);
ordinary(probe, all);
if (!Deno.env.has("SHORT")) adversarial(probe, all);
together(probe, all);
await scans([...literals, ...crsPhrases()!.map(({ phrase }) => phrase)]);
