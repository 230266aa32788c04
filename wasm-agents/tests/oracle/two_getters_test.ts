import { deepEqual } from "node:assert/strict";
import { buildTwoGetters, TWO_GETTERS } from "./two_getters.ts";

Deno.test("two getters: the committed component is what its text gives", async () => {
  deepEqual(
    new Uint8Array(await Deno.readFile(TWO_GETTERS)),
    new Uint8Array(await buildTwoGetters()),
  );
});
