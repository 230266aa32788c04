import { constants, createPublicKey, type KeyObject, verify } from "node:crypto";
import type { Result, Signature } from "../agents/contract/sentinel_types.ts";
import type { SignatureCheck, SignatureVerifier } from "../agents/host/crypto.ts";

/** Keys held ready; importing one costs far less than verifying with it, so few are enough. */
const KEYS_CACHED_MAX = 256;

/** Smallest RSA modulus (RFC 7518 §3.3), and the largest one that Deno imports. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 4096;
/** Longest RSA exponent: a long one makes verifying slow. */
const RSA_EXPONENT_BYTES_MAX = 4;

interface Scheme {
  /** As in JWK's `alg`. */
  readonly alg: string;
  readonly kty: "RSA" | "EC" | "OKP";
  readonly crv?: string;
  readonly hash: string | null;
  readonly isPss?: boolean;
  /** Length of the signature; an RSA one is as long as the modulus. */
  readonly signatureBytes?: number;
}

/** RFC 7518 §3.1 and RFC 8037 §3.1. */
const SCHEMES: Readonly<Record<Signature, Scheme>> = {
  rs256: { alg: "RS256", kty: "RSA", hash: "sha256" },
  rs384: { alg: "RS384", kty: "RSA", hash: "sha384" },
  rs512: { alg: "RS512", kty: "RSA", hash: "sha512" },
  ps256: { alg: "PS256", kty: "RSA", hash: "sha256", isPss: true },
  ps384: { alg: "PS384", kty: "RSA", hash: "sha384", isPss: true },
  ps512: { alg: "PS512", kty: "RSA", hash: "sha512", isPss: true },
  es256: { alg: "ES256", kty: "EC", crv: "P-256", hash: "sha256", signatureBytes: 64 },
  es384: { alg: "ES384", kty: "EC", crv: "P-384", hash: "sha384", signatureBytes: 96 },
  eddsa: { alg: "EdDSA", kty: "OKP", crv: "Ed25519", hash: null, signatureBytes: 64 },
};

/** Members that are looked at; a private part is never imported. */
const MEMBERS = { RSA: ["n", "e"], EC: ["crv", "x", "y"], OKP: ["crv", "x"] } as const;

/** What a key says that it is for. */
interface KeyFacts {
  readonly kty: string;
  readonly crv: string | undefined;
  readonly alg: unknown;
}

interface Key extends KeyFacts {
  readonly object: KeyObject;
  /** Bytes of an RSA modulus. */
  readonly modulusBytes: number;
}

/** Why a key cannot be used: completes `The key …`. */
class KeyProblem extends Error {
  override readonly name = "KeyProblem";
}

/** Verifies signatures with node's crypto, which answers at once; WebCrypto would make the guest wait. */
export class NodeSignatureVerifier implements SignatureVerifier {
  readonly #keys = new Map<string, Key>();

  /** Keys held ready. */
  get keys(): number {
    return this.#keys.size;
  }

  holds(key: string): boolean {
    return this.#keys.has(key);
  }

  verify(check: SignatureCheck): Result<boolean, string> {
    try {
      const scheme = SCHEMES[check.signature];
      const key = this.#keyOf(check.key, scheme);
      return { type: "ok", value: isValid(check, key, scheme) };
    } catch (cause) {
      const problem = cause instanceof KeyProblem ? cause.message : "cannot be used";
      return { type: "error", value: `The key ${problem}` };
    }
  }

  #keyOf(text: string, scheme: Scheme): Key {
    const known = this.#keys.get(text);
    if (known !== undefined) {
      checkFits(known, scheme);
      // Put last again: the first one is then the one not used for the longest time.
      this.#keys.delete(text);
      this.#keys.set(text, known);
      return known;
    }
    const key = importKey(text, scheme);
    if (this.#keys.size >= KEYS_CACHED_MAX) this.#keys.delete(this.#keys.keys().next().value!);
    this.#keys.set(text, key);
    return key;
  }
}

function isValid({ data, signed }: SignatureCheck, key: Key, scheme: Scheme): boolean {
  // A signature of another length is not valid, whatever a library makes of it.
  if (signed.length !== (scheme.signatureBytes ?? key.modulusBytes)) return false;
  const padding = scheme.isPss === true
    ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : {};
  // JWS has r and s one after the other (RFC 7518 §3.4), which is not what X.509 has.
  const encoding = scheme.kty === "EC" ? { dsaEncoding: "ieee-p1363" as const } : {};
  return verify(scheme.hash, data, { key: key.object, ...padding, ...encoding }, signed);
}

/** A key says what it is for; one algorithm's key must never be taken for another's (RFC 8725 §3.1). */
function checkFits(key: KeyFacts, scheme: Scheme): void {
  if (key.kty !== scheme.kty) {
    throw new KeyProblem(`is of type "${key.kty}", and ${scheme.alg} needs "${scheme.kty}"`);
  }
  if (scheme.crv !== undefined && key.crv !== scheme.crv) {
    throw new KeyProblem(`is on the curve "${key.crv}", and ${scheme.alg} needs "${scheme.crv}"`);
  }
  if (key.alg !== undefined && key.alg !== scheme.alg) {
    throw new KeyProblem(`is for ${JSON.stringify(key.alg)}, and not for ${scheme.alg}`);
  }
}

/** Imports nothing but what the scheme can use, which costs what the scheme's keys cost. */
function importKey(text: string, scheme: Scheme): Key {
  const jwk = parseJwk(text);
  const { kty, use, key_ops: operations } = jwk;
  if (kty !== "RSA" && kty !== "EC" && kty !== "OKP") {
    throw new KeyProblem(`is of type ${shown(kty)}; "RSA", "EC" and "OKP" are supported`);
  }
  if (use !== undefined && use !== "sig") {
    throw new KeyProblem(`is for the use ${shown(use)}, not for signatures`);
  }
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) {
    throw new KeyProblem('does not list "verify" among its operations');
  }
  const parts: Record<string, string> = { kty };
  for (const member of MEMBERS[kty]) parts[member] = textMember(jwk, member);
  const facts = { kty, crv: parts["crv"], alg: jwk["alg"] };
  checkFits(facts, scheme);
  const modulusBytes = kty === "RSA" ? checkedModulusBytes(parts) : 0;
  return { ...facts, object: keyObject(parts), modulusBytes };
}

function keyObject(parts: Record<string, string>): KeyObject {
  try {
    return createPublicKey({ key: parts, format: "jwk" });
  } catch {
    throw new KeyProblem("does not hold valid numbers, or lies on a curve that is not supported");
  }
}

function parseJwk(text: string): Record<string, unknown> {
  let jwk: unknown;
  try {
    jwk = JSON.parse(text);
  } catch {
    throw new KeyProblem("is not JSON");
  }
  if (typeof jwk !== "object" || jwk === null || Array.isArray(jwk)) {
    throw new KeyProblem("is not a JSON object");
  }
  return jwk as Record<string, unknown>;
}

function textMember(jwk: Record<string, unknown>, member: string): string {
  const value = Object.hasOwn(jwk, member) ? jwk[member] : undefined;
  if (typeof value !== "string") throw new KeyProblem(`has no "${member}"`);
  if (member !== "crv" && !/^[A-Za-z0-9_-]+$/.test(value)) {
    throw new KeyProblem(`has no base64url in "${member}"`);
  }
  return value;
}

function checkedModulusBytes({ n, e }: Record<string, string>): number {
  const modulus = unsigned(n!);
  const bits = modulus.length === 0 ? 0 : modulus.length * 8 - Math.clz32(modulus[0]!) + 24;
  if (bits < RSA_BITS_MIN) {
    throw new KeyProblem(`has ${bits} bits; ${RSA_BITS_MIN} are the least that is safe`);
  }
  if (bits > RSA_BITS_MAX) {
    throw new KeyProblem(`has ${bits} bits; ${RSA_BITS_MAX} are the most that is supported`);
  }
  const exponent = unsigned(e!);
  const last = exponent.at(-1) ?? 0;
  const isTooSmall = exponent.length === 1 && last < 3;
  if (exponent.length > RSA_EXPONENT_BYTES_MAX || last % 2 === 0 || isTooSmall) {
    throw new KeyProblem("has an exponent that is even, below 3 or above 32 bits");
  }
  return modulus.length;
}

/** The bytes of a base64url number without leading zeros. */
function unsigned(text: string): Uint8Array {
  const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
  const start = bytes.findIndex((byte) => byte !== 0);
  return start < 0 ? new Uint8Array(0) : bytes.subarray(start);
}

function shown(value: unknown): string {
  return JSON.stringify(value)?.slice(0, 40) ?? "none";
}
