import { assert } from "../../core/assert.ts";
import type { Crypto, Hash, Result, Signature } from "../contract/sentinel_types.ts";
import { type Capability, type CommonDeps, misuse } from "./capability.ts";
import { digest, hmac } from "./hash/digest.ts";

/** Most bytes of data in one call, when nothing else is said: a few milliseconds of SHA-512. */
export const CRYPTO_DATA_BYTES_MAX = 1024 * 1024;

/** Longest key, in characters: a JWK with a chain of certificates in it. */
export const JWK_CHARS_MAX = 16_384;

/** Longest signature, in bytes: RSA with 4096 bits. */
export const SIGNATURE_BYTES_MAX = 512;

/** What it costs to hash a byte, in nanoseconds: measured, rounded up. */
const HASH_NANOSECONDS: Readonly<Record<Hash, number>> = {
  md5: 5,
  sha1: 6,
  sha256: 12,
  sha384: 24,
  sha512: 24,
};
/** The same for comparing. */
const EQUAL_NANOSECONDS = 6;
/** Bytes' worth of hashing that any digest costs, and a keyed one. */
const DIGEST_BYTES = 256;
const HMAC_BYTES = 768;

/** What it costs to verify a signature of RSA with 2048 bits; it grows with the square of its bytes. */
const RSA_NANOSECONDS = 250_000;
const RSA_BYTES = 256;
/** The same for curves, whose size is fixed. */
const CURVE_NANOSECONDS: Readonly<Partial<Record<Signature, number>>> = {
  es256: 600_000,
  es384: 1_400_000,
  eddsa: 50_000,
};

/** What it costs to read a key that is not held ready, at most, and each character of it. */
const KEY_NANOSECONDS = 20_000;
const KEY_CHAR_NANOSECONDS = 12;
/** What it costs to hash a byte of the data, with any algorithm. */
const VERIFY_BYTE_NANOSECONDS = 2;

/** What is to be verified. */
export interface SignatureCheck {
  readonly signature: Signature;
  /** A JWK (RFC 7517) as JSON. */
  readonly key: string;
  readonly data: Uint8Array;
  /** The signature, in the form of JWS (RFC 7518 §3): for ECDSA that is r and s, one after the other. */
  readonly signed: Uint8Array;
}

/** Verifies signatures at once, since a guest cannot wait. Never throws: an error says why the key cannot be used. */
export interface SignatureVerifier {
  verify(check: SignatureCheck): Result<boolean, string>;
  /** Whether it holds this key ready, so that it need not be read again; without this, it holds none. */
  holds?(key: string): boolean;
}

/** What `crypto` is made from. */
export interface CryptoDeps extends CommonDeps {
  readonly verifier: SignatureVerifier | undefined;
  /** Most bytes of data in one call; `CRYPTO_DATA_BYTES_MAX` when left out. */
  readonly cryptoDataBytesMax?: number;
}

/** Digests and signatures, faster than a guest could do them. */
export const cryptoCapability = {
  name: "crypto",
  key: "crypto",
  summary: "Digests, HMAC, comparison in constant time, and verification of signatures by JWK.",
  create: createCrypto,
} as const satisfies Capability<"crypto", CryptoDeps>;

function createCrypto({ verifier, cryptoDataBytesMax, meter }: CryptoDeps): Crypto {
  assert(verifier !== undefined, "crypto is granted, so there is a verifier");
  const bytesMax = cryptoDataBytesMax ?? CRYPTO_DATA_BYTES_MAX;
  const admit = (call: string, bytes: number) => {
    meter.call("crypto", bytes);
    if (bytes > bytesMax) throw misuse(`crypto#${call}`, `${bytes} bytes of data, ${bytesMax} are allowed`);
  };
  return {
    digest(hash: Hash, data) {
      admit("digest", data.length);
      meter.work("crypto", (DIGEST_BYTES + data.length) * HASH_NANOSECONDS[hash]);
      return digest(hash, data);
    },
    hmac(hash: Hash, key, data) {
      admit("hmac", key.length + data.length);
      meter.work("crypto", (HMAC_BYTES + key.length + data.length) * HASH_NANOSECONDS[hash]);
      return hmac(hash, key, data);
    },
    equal(a, b) {
      admit("equal", a.length + b.length);
      meter.work("crypto", (a.length + b.length) * EQUAL_NANOSECONDS);
      return equalInConstantTime(a, b);
    },
    verify(...[signature, key, data, signed]: Parameters<Crypto["verify"]>) {
      admit("verify", key.length + data.length + signed.length);
      if (key.length > JWK_CHARS_MAX) {
        meter.refused("crypto", "key");
        return { type: "error", value: `The key has more than ${JWK_CHARS_MAX} characters` };
      }
      if (signed.length > SIGNATURE_BYTES_MAX) return { type: "ok", value: false };
      const keyNanoseconds = verifier.holds?.(key) === true
        ? 0
        : KEY_NANOSECONDS + key.length * KEY_CHAR_NANOSECONDS;
      const dataNanoseconds = data.length * VERIFY_BYTE_NANOSECONDS;
      meter.work("crypto", keyNanoseconds + dataNanoseconds + verifyNanoseconds(signature, signed.length));
      const result = verifier.verify({ signature, key, data, signed });
      if (result.type === "error") meter.refused("crypto", "key");
      return result;
    },
  };
}

/** Looks at every byte whatever the others were, so the time tells the lengths alone. */
function equalInConstantTime(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let difference = 0;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ b[i]!;
  return difference === 0;
}

function verifyNanoseconds(signature: Signature, signedBytes: number): number {
  return CURVE_NANOSECONDS[signature] ?? RSA_NANOSECONDS * Math.max(1, (signedBytes / RSA_BYTES) ** 2);
}
