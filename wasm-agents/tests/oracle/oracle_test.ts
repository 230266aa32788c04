/** The same guest, called through our glue and through jco's: what it hears and what it says must be the same. */

import { deepEqual, equal, ok } from "node:assert/strict";
import fc from "../../../tests/support/seeded_check.ts";
import type { Package } from "../../../build/wit/ast.ts";
import { parseWit } from "../../../build/wit/parse.ts";
import { AgentTrap } from "../../../src/agents/guest.ts";
import { type Answers, type Ended, exportOf, jcoSide, ourSide, type Side } from "./both_sides.ts";
import { buildGuest } from "./build_guest.ts";
import { IMAGE_AT, MEMORY_BYTES, STORE_IMAGE } from "./guest_parts.ts";
import { SENTINEL_GUEST } from "./sentinel_guest.ts";
import { arbitrary, encode } from "./values.ts";
import { ZENTINEL_GUEST } from "./zentinel_guest.ts";

const RUNS = 60;

async function world(name: string, guest: string) {
  const file = `${name}-agent.wit`;
  const wit = parseWit(
    file,
    await Deno.readTextFile(new URL(`../../wit/${file}`, import.meta.url)),
  );
  return { wit, built: await buildGuest(guest, file) };
}

const ZENTINEL = await world("zentinel", ZENTINEL_GUEST);
const SENTINEL = await world("sentinel", SENTINEL_GUEST);

/** Stores the image that the next calls return. */
function prepare(wit: Package, side: Side, image: Uint8Array): void {
  const stored = wit.namespace === "sentinel"
    ? side.call("request-body-handler#on-request-body", [
      "request",
      image,
      STORE_IMAGE,
      false,
    ])
    : side.call("handler#on-request-body", ["", image, STORE_IMAGE, false]);
  ok(
    "value" in stored,
    `storing the image failed: ${"error" in stored && stored.error}`,
  );
}

/** Random answers to every import. */
function answersOf(wit: Package): fc.Arbitrary<Answers> {
  const functions = wit.worlds[0]!.imports.flatMap((one) =>
    one.functions.map((func) => [`${one.name}#${func.name}`, arbitrary(func.result)] as const)
  );
  return fc.record(Object.fromEntries(functions));
}

function sameEnd(ours: Ended, theirs: Ended): void {
  if ("error" in theirs) throw new Error("jco failed", { cause: theirs.error });
  if ("error" in ours) {
    throw new Error("our glue failed", { cause: ours.error });
  }
  deepEqual(ours.value, theirs.value);
}

for (
  const name of ["on-request-headers", "on-request-body", "on-response-headers"]
) {
  Deno.test(`oracle: zentinel ${name} echoes the same`, () => {
    const { wit, built } = ZENTINEL;
    const ours = ourSide(built, wit, {});
    const theirs = jcoSide(built, wit, {});
    const { func } = exportOf(wit, `handler#${name}`);
    // Data becomes a text in the echo.
    const args = func.params.map(({ name, type }) =>
      name === "data" ? fc.string().map((text) => new TextEncoder().encode(text)) : arbitrary(type)
    );
    fc.assert(
      fc.property(fc.tuple(...args), (args) => {
        sameEnd(
          ours.call(`handler#${name}`, args),
          theirs.call(`handler#${name}`, args),
        );
      }),
      { numRuns: RUNS },
    );
  });
}

/** Every export whose result lies in memory, except those that echo. */
function imageExports(wit: Package): readonly string[] {
  const echoes = [
    "handler#on-request-headers",
    "handler#on-request-body",
    "handler#on-response-headers",
  ];
  return wit.worlds[0]!.exports.flatMap((one) =>
    one.functions.filter(({ result }) => result !== undefined).map(({ name }) => `${one.name}#${name}`)
  ).filter((name) => !echoes.includes(name));
}

for (const { wit, built } of [ZENTINEL, SENTINEL]) {
  for (const { name, exports } of wit.worlds) {
    equal(name, "agent");
    for (const one of exports) {
      for (const func of one.functions) {
        const key = `${one.name}#${func.name}`;
        if (wit.namespace === "zentinel" && !imageExports(wit).includes(key)) {
          continue;
        }
        Deno.test(`oracle: ${wit.namespace} ${key} hears and returns the same`, () => {
          const args = fc.tuple(
            ...func.params.map(({ type }) => arbitrary(type)),
          );
          fc.assert(
            fc.property(
              args,
              arbitrary(func.result),
              answersOf(wit),
              (args, result, answers) => {
                const ours = ourSide(built, wit, answers);
                const theirs = jcoSide(built, wit, answers);
                if (func.result !== undefined) {
                  const image = encode(func.result, result, IMAGE_AT);
                  prepare(wit, ours, image);
                  prepare(wit, theirs, image);
                }
                const end = ours.call(key, args);
                sameEnd(end, theirs.call(key, args));
                deepEqual(ours.told, theirs.told);
                if (func.result !== undefined) {
                  deepEqual("value" in end && end.value, wellFormed(result));
                }
              },
            ),
            { numRuns: RUNS },
          );
        });
      }
    }
  }
}

/** The value as UTF-8 can say it: lone surrogates are replaced. */
function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (Array.isArray(value)) return value.map(wellFormed);
  if (
    typeof value !== "object" || value === null || value instanceof Uint8Array
  ) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, wellFormed(inner)]),
  );
}

/** Rules that we check and jco does not, and without which it might be at it for ever. */
const STRICTER = /not UTF-8|not aligned|are allowed|bytes of strings and lists/;

/** Whether a message says of bytes that they are outside of the memory, and they are; jco just cuts such lists off. */
function isOutside(message: string): boolean {
  const found = /^(\d+) bytes at (\d+) are outside of the memory$/.exec(
    message,
  );
  return found !== null && Number(found[1]) + Number(found[2]) > MEMORY_BYTES;
}

Deno.test("oracle: a damaged result is a malformed trap, or means the same to both", () => {
  let refused = 0;
  let accepted = 0;
  for (const { wit, built } of [ZENTINEL, SENTINEL]) {
    const cases = imageExports(wit).map((key) => {
      const { func } = exportOf(wit, key);
      return fc.record({
        key: fc.constant(key),
        args: fc.tuple(...func.params.map(({ type }) => arbitrary(type))),
        result: arbitrary(func.result),
        damage: fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4,
        }),
        answers: answersOf(wit),
      });
    });
    fc.assert(
      fc.property(
        fc.oneof(...cases),
        ({ key, args, result, damage, answers }) => {
          const image = encode(
            exportOf(wit, key).func.result!,
            result,
            IMAGE_AT,
          );
          for (const [at, byte] of damage) image[at % image.length] = byte;
          const ours = ourSide(built, wit, answers);
          prepare(wit, ours, image);
          const start = performance.now();
          const end = ours.call(key, args);
          ok(performance.now() - start < 500, "slow");
          if ("error" in end) {
            refused++;
            ok(end.error instanceof AgentTrap, `not a trap: ${end.error}`);
            equal(end.error.kind, "malformed");
            const { message } = end.error;
            if (STRICTER.test(message) || isOutside(message)) return;
          } else accepted++;
          const theirs = jcoSide(built, wit, answers);
          prepare(wit, theirs, image);
          const other = theirs.call(key, args);
          if ("error" in end) {
            ok("error" in other, `only ours refused: ${end.error}`);
          } else if ("error" in other) {
            // A number other than 0 and 1 is true in the canonical ABI; jco refuses it.
            ok(
              /bool/.test(String(other.error)),
              `only jco refused: ${other.error}`,
            );
          } else deepEqual(end.value, other.value);
        },
      ),
      { numRuns: 400 },
    );
  }
  ok(
    refused > 50 && accepted > 50,
    `${refused} refused, ${accepted} accepted: the damage is one-sided`,
  );
});
