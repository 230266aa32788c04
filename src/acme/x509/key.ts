/** Keys of certificates and accounts. */

import type { Bytes } from "../bytes.ts";
import { members, readDer } from "./der_reader.ts";
import { bitString, integer, nothing, oid, sequence } from "./der_writer.ts";
import { pemBlocks, pemText } from "./pem.ts";

interface KeyTypeRow {
  readonly generate: EcKeyGenParams | RsaHashedKeyGenParams;
  readonly sign: AlgorithmIdentifier | EcdsaParams;
  /** `AlgorithmIdentifier` of signatures (RFC 5758 §3.2, RFC 4055 §5). */
  readonly signatureAlgorithm: Bytes;
  /** The name of JSON web signatures (RFC 7518 §3.1). */
  readonly jws: "ES256" | "ES384" | "RS256";
}

const ECDSA_P256: KeyTypeRow = {
  generate: { name: "ECDSA", namedCurve: "P-256" },
  sign: { name: "ECDSA", hash: "SHA-256" },
  signatureAlgorithm: sequence(oid("1.2.840.10045.4.3.2")),
  jws: "ES256",
};

const ECDSA_P384: KeyTypeRow = {
  generate: { name: "ECDSA", namedCurve: "P-384" },
  sign: { name: "ECDSA", hash: "SHA-384" },
  signatureAlgorithm: sequence(oid("1.2.840.10045.4.3.3")),
  jws: "ES384",
};

/** What keys there are. */
export const KEY_TYPES = {
  "ecdsa-p256": ECDSA_P256,
  "ecdsa-p384": ECDSA_P384,
  "rsa-2048": rsa(2048),
  "rsa-4096": rsa(4096),
} as const satisfies Record<string, KeyTypeRow>;

/** The word of a kind of key in the configuration. */
export type KeyType = keyof typeof KEY_TYPES;

function rsa(modulusLength: number): KeyTypeRow {
  const publicExponent = Uint8Array.of(1, 0, 1);
  return {
    generate: { name: "RSASSA-PKCS1-v1_5", modulusLength, publicExponent, hash: "SHA-256" },
    sign: "RSASSA-PKCS1-v1_5",
    signatureAlgorithm: sequence(oid("1.2.840.113549.1.1.11"), nothing()),
    jws: "RS256",
  };
}

/** A pair of keys that can sign. */
export class SigningKey {
  readonly type: KeyType;
  readonly #pair: CryptoKeyPair;

  private constructor(type: KeyType, pair: CryptoKeyPair) {
    this.type = type;
    this.#pair = pair;
  }

  static async generate(type: KeyType): Promise<SigningKey> {
    const usages: KeyUsage[] = ["sign", "verify"];
    const pair = await crypto.subtle.generateKey(KEY_TYPES[type].generate, true, usages);
    return new SigningKey(type, pair as CryptoKeyPair);
  }

  /** Reads the first `PRIVATE KEY` (PKCS#8) of a PEM text. Rejects when there is none of a known type. */
  static async fromPem(text: string): Promise<SigningKey> {
    const block = pemBlocks(text).find(({ label }) => label === "PRIVATE KEY");
    if (block === undefined) throw new Error("there is no PRIVATE KEY in PKCS#8");
    for (const type of Object.keys(KEY_TYPES) as KeyType[]) {
      const { generate } = KEY_TYPES[type];
      const privateKey = await importPrivate(block.bytes, generate);
      if (privateKey === undefined || !isOfSize(privateKey, generate)) continue;
      const jwk = await crypto.subtle.exportKey("jwk", privateKey);
      const publicJwk = { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y, n: jwk.n, e: jwk.e } as JsonWebKey;
      const defined = Object.fromEntries(
        Object.entries(publicJwk).filter(([, value]) => value !== undefined),
      );
      const publicKey = await crypto.subtle.importKey("jwk", defined, generate, true, ["verify"]);
      return new SigningKey(type, { privateKey, publicKey });
    }
    throw new Error("the key is of no known type");
  }

  /** PKCS#8 in PEM. */
  async pem(): Promise<string> {
    const bytes = await crypto.subtle.exportKey("pkcs8", this.#pair.privateKey);
    return pemText("PRIVATE KEY", new Uint8Array(bytes));
  }

  /** `SubjectPublicKeyInfo` in DER. */
  async publicInfo(): Promise<Bytes> {
    return new Uint8Array(await crypto.subtle.exportKey("spki", this.#pair.publicKey));
  }

  /** The public key with the members of RFC 7638 alone, in their order. */
  async publicJwk(): Promise<Readonly<Record<string, string>>> {
    const jwk = await crypto.subtle.exportKey("jwk", this.#pair.publicKey);
    if (jwk.kty === "RSA") return { e: jwk.e!, kty: "RSA", n: jwk.n! };
    return { crv: jwk.crv!, kty: "EC", x: jwk.x!, y: jwk.y! };
  }

  /** A signature as JSON web signatures have it: for ECDSA both numbers one after the other. */
  async sign(bytes: Bytes): Promise<Bytes> {
    const signature = await crypto.subtle.sign(KEY_TYPES[this.type].sign, this.#pair.privateKey, bytes);
    return new Uint8Array(signature);
  }

  /** Something to be signed, its algorithm and its signature as one sequence: a certificate or a request. */
  async signedDer(toBeSigned: Bytes): Promise<Bytes> {
    const { signatureAlgorithm, jws } = KEY_TYPES[this.type];
    const signature = await this.sign(toBeSigned);
    const encoded = jws === "RS256" ? signature : ecdsaDer(signature);
    return sequence(toBeSigned, signatureAlgorithm, bitString(encoded));
  }
}

async function importPrivate(
  bytes: Bytes,
  algorithm: KeyTypeRow["generate"],
): Promise<CryptoKey | undefined> {
  if (!isAlgorithmOf(bytes, algorithm)) return undefined;
  try {
    return await crypto.subtle.importKey("pkcs8", bytes, algorithm, true, ["sign"]);
  } catch {
    return undefined;
  }
}

/** Whether a PKCS#8 structure says that it is of this algorithm and curve (RFC 5208 §5). */
function isAlgorithmOf(bytes: Bytes, algorithm: KeyTypeRow["generate"]): boolean {
  const wanted = "namedCurve" in algorithm
    ? sequence(
      oid("1.2.840.10045.2.1"),
      oid(algorithm.namedCurve === "P-256" ? "1.2.840.10045.3.1.7" : "1.3.132.0.34"),
    )
    : sequence(oid("1.2.840.113549.1.1.1"), nothing());
  const found = members(readDer(bytes))[1]?.whole;
  return found !== undefined && found.length === wanted.length &&
    wanted.every((byte, at) => byte === found[at]);
}

function isOfSize(key: CryptoKey, algorithm: KeyTypeRow["generate"]): boolean {
  if (!("modulusLength" in algorithm)) return true;
  return (key.algorithm as RsaHashedKeyAlgorithm).modulusLength === algorithm.modulusLength;
}

/** `Ecdsa-Sig-Value` (RFC 3279 §2.2.3) of the two numbers that WebCrypto puts one after the other. */
function ecdsaDer(signature: Bytes): Bytes {
  const half = signature.length / 2;
  return sequence(integer(signature.subarray(0, half)), integer(signature.subarray(half)));
}
