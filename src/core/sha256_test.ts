import assert from "node:assert/strict";
import { hmacSha256, sha256 } from "./sha256.ts";

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255);

Deno.test("sha256: as the platform's own, around every block's end", async () => {
  for (let length = 0; length <= 200; length++) {
    const message = bytesOf(length);
    assert.deepEqual(
      sha256(message),
      new Uint8Array(await crypto.subtle.digest("SHA-256", message)),
      `${length}`,
    );
  }
});

Deno.test("hmac: as the platform's own, with keys below, at and above a block", async () => {
  for (const length of [1, 16, 63, 64, 65, 200]) {
    const raw = bytesOf(length);
    const key = await crypto.subtle.importKey("raw", raw, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const want = new Uint8Array(await crypto.subtle.sign("HMAC", key, bytesOf(100)));
    assert.deepEqual(hmacSha256(raw, bytesOf(100)), want, `${length}`);
  }
});
