import assert from "node:assert/strict";
import { collectGarbage } from "./collect_garbage.ts";

Deno.test("garbage: what nothing refers to is gone afterwards, what is in use is not", async () => {
  let kept: object | undefined = { at: 1 };
  const seen = new WeakRef(kept);
  const lost = new WeakRef(new WebAssembly.Memory({ initial: 1 }));
  // References that were made in one turn of the event loop hold until its end.
  await new Promise((resolve) => setTimeout(resolve));
  await collectGarbage();
  assert.equal(lost.deref(), undefined);
  assert.equal(seen.deref(), kept);
  kept = undefined;
  await new Promise((resolve) => setTimeout(resolve));
  await collectGarbage();
  assert.equal(seen.deref(), undefined);
});
