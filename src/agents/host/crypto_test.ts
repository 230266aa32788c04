import { deepEqual, equal, throws } from "node:assert/strict";
import { CRYPTO_DATA_BYTES_MAX, cryptoCapability, JWK_CHARS_MAX, SIGNATURE_BYTES_MAX } from "./crypto.ts";
import type { HostDeps } from "./grant_imports.ts";
import { hostFixture } from "../../../tests/support/host_fixture.ts";

function agentCrypto(parts: Partial<HostDeps> = {}) {
  const fixture = hostFixture(parts);
  return { ...fixture, crypto: cryptoCapability.create(fixture.deps) };
}

const hex = (bytes: Uint8Array) => bytes.toHex();
const bytes = (text: string) => new TextEncoder().encode(text);

Deno.test("crypto: digest and hmac", () => {
  const { crypto, metered } = agentCrypto();
  equal(hex(crypto.digest("sha1", bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  equal(
    hex(crypto.hmac("sha256", bytes("Jefe"), bytes("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
  deepEqual(metered, ["call crypto 3", "work crypto 1554", "call crypto 32", "work crypto 9600"]);
});

Deno.test("crypto: equal", () => {
  const { crypto } = agentCrypto();
  const cases = [
    { a: "", b: "", want: true },
    { a: "secret", b: "secret", want: true },
    { a: "secret", b: "Secret", want: false },
    { a: "secret", b: "secreT", want: false },
    { a: "secret", b: "secre", want: false },
    { a: "", b: "s", want: false },
  ];
  for (const { a, b, want } of cases) equal(crypto.equal(bytes(a), bytes(b)), want, `${a} ${b}`);
});

Deno.test("crypto: data below, at and above the bound", () => {
  for (const cryptoDataBytesMax of [undefined, 100]) {
    const { crypto } = agentCrypto(cryptoDataBytesMax === undefined ? {} : { cryptoDataBytesMax });
    const bytesMax = cryptoDataBytesMax ?? CRYPTO_DATA_BYTES_MAX;
    equal(crypto.digest("md5", new Uint8Array(bytesMax - 1)).length, 16);
    equal(crypto.digest("md5", new Uint8Array(bytesMax)).length, 16);
    const trap = { name: "AgentTrap", kind: "malformed" };
    throws(() => crypto.digest("md5", new Uint8Array(bytesMax + 1)), trap);
    throws(() => crypto.hmac("md5", new Uint8Array(1), new Uint8Array(bytesMax)), trap);
    throws(() => crypto.equal(new Uint8Array(bytesMax), new Uint8Array(1)), trap);
    throws(() => crypto.verify("eddsa", "{}", new Uint8Array(bytesMax), new Uint8Array(64)), trap);
  }
});

Deno.test("crypto: verify asks the verifier, and keys and signatures have bounds", () => {
  const asked: number[] = [];
  const { crypto, metered } = agentCrypto({
    verifier: {
      holds: (key) => key.length === JWK_CHARS_MAX,
      verify({ key, signed }) {
        asked.push(key.length, signed.length);
        return key.length === 1
          ? { type: "error", value: "The key is too short" }
          : { type: "ok", value: true };
      },
    },
  });
  const verify = (keyChars: number, signedBytes: number) =>
    crypto.verify("rs256", "k".repeat(keyChars), new Uint8Array(1), new Uint8Array(signedBytes));
  deepEqual(verify(1, 256), { type: "error", value: "The key is too short" });
  deepEqual(metered, ["call crypto 258", "work crypto 270014", "refused crypto key"]);
  deepEqual(verify(JWK_CHARS_MAX, SIGNATURE_BYTES_MAX), { type: "ok", value: true });
  equal(
    metered.at(-1),
    "work crypto 1000002",
    "a modulus twice as long is four times the work, and a key that is held costs nothing",
  );
  deepEqual(verify(2, SIGNATURE_BYTES_MAX + 1), { type: "ok", value: false });
  deepEqual(verify(JWK_CHARS_MAX + 1, 256), {
    type: "error",
    value: "The key has more than 16384 characters",
  });
  equal(metered.at(-1), "refused crypto key");
  deepEqual(asked, [1, 256, JWK_CHARS_MAX, SIGNATURE_BYTES_MAX]);
});
