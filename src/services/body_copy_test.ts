import { deepEqual, equal, rejects, throws } from "node:assert/strict";
import type { Body, MaybePromise } from "../core/message.ts";
import { CopiedBody, type CopyOutcome } from "./body_copy.ts";

/** A body of these pieces; an error among them is thrown. */
class Pieces implements Body {
  readonly length: number | undefined;
  readonly #pieces: (string | Error)[];
  readonly #late: boolean;
  cancelled = 0;

  constructor(pieces: (string | Error)[], about: { length?: number; late?: boolean } = {}) {
    this.#pieces = [...pieces];
    this.length = about.length;
    this.#late = about.late === true;
  }

  read(): MaybePromise<Uint8Array | null> {
    const piece = this.#pieces.shift();
    if (piece instanceof Error) {
      if (this.#late) return Promise.reject(piece);
      throw piece;
    }
    const bytes = piece === undefined ? null : new TextEncoder().encode(piece);
    return this.#late ? Promise.resolve(bytes) : bytes;
  }

  cancel(): void {
    this.cancelled++;
  }
}

function copied(body: Body, bytesMax: number) {
  const outcomes: CopyOutcome[] = [];
  const copy = new CopiedBody(body, bytesMax, (outcome) => outcomes.push(outcome));
  return { copy, outcomes, kept: () => new TextDecoder().decode(copy.take()) };
}

async function readAll(body: Body): Promise<string> {
  let text = "";
  for (let piece = await body.read(); piece !== null; piece = await body.read()) {
    text += new TextDecoder().decode(piece);
  }
  return text;
}

for (const late of [false, true]) {
  const way = late ? "pieces that come later" : "pieces at hand";
  Deno.test(`body copy, ${way}: below and at the bound it is kept, above nothing is`, async () => {
    for (
      const [text, want] of [["1234567", "whole"], ["12345678", "whole"], ["123456789", "too-long"]] as const
    ) {
      for (const length of [undefined, text.length]) {
        const pieces = [text.slice(0, 3), text.slice(3)];
        const body = new Pieces(pieces, { late, ...(length === undefined ? {} : { length }) });
        const { copy, outcomes, kept } = copied(body, 8);
        equal(copy.length, length);
        equal(await readAll(copy), text, "all of it passes, kept or not");
        deepEqual(outcomes, [want]);
        equal(kept(), want === "whole" ? text : "");
      }
    }
  });

  Deno.test(`body copy, ${way}: a body that breaks is no copy, and breaks for its reader`, async () => {
    const { copy, outcomes, kept } = copied(new Pieces(["ab", new Error("gone")], { late }), 8);
    await copy.read();
    if (late) await rejects(async () => await copy.read(), /gone/);
    else throws(() => copy.read(), /gone/);
    deepEqual(outcomes, ["cut"]);
    equal(kept(), "");
  });
}

Deno.test("body copy: the last byte of a known length settles it, and a cancel after that changes nothing", () => {
  const body = new Pieces(["abc"], { length: 3 });
  const { copy, outcomes, kept } = copied(body, 8);
  copy.read();
  deepEqual(outcomes, ["whole"]);
  copy.cancel();
  equal(body.cancelled, 1);
  deepEqual(outcomes, ["whole"]);
  equal(kept(), "abc");
});

Deno.test("body copy: a cancelled body is cut", () => {
  const body = new Pieces(["abc", "def"]);
  const { copy, outcomes } = copied(body, 8);
  copy.read();
  copy.cancel();
  copy.cancel();
  deepEqual(outcomes, ["cut"]);
});

Deno.test("body copy: views that are overwritten later do not change the copy", async () => {
  const view = new Uint8Array(2);
  let count = 0;
  const body: Body = {
    length: undefined,
    read: () => count < 3 ? view.fill(97 + count++) : null,
    cancel: () => {},
  };
  const { copy, kept } = copied(body, 8);
  await readAll(copy);
  equal(kept(), "aabbcc");
});
