import { deepEqual, equal, match } from "node:assert/strict";
import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Signature } from "../agents/contract/sentinel_types.ts";
import { NodeSignatureVerifier } from "./signature_verifier.ts";

const DATA = new TextEncoder().encode("header.payload");

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const p256 = generateKeyPairSync("ec", { namedCurve: "P-256" });
const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
const ed25519 = generateKeyPairSync("ed25519");

type Jwk = Record<string, unknown>;
const jwkOf = (key: KeyObject): Jwk => ({ ...key.export({ format: "jwk" }) });

interface Signer {
  readonly signature: Signature;
  readonly alg: string;
  readonly jwk: Jwk;
  sign(data: Uint8Array): Uint8Array<ArrayBuffer>;
}

const RSA = jwkOf(rsa.publicKey);
const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
const raw = { dsaEncoding: "ieee-p1363" as const };
const bytes = (signed: Uint8Array) => new Uint8Array(signed);

const SIGNERS: readonly Signer[] = [
  ...["256", "384", "512"].flatMap((bits): Signer[] => [
    {
      signature: `rs${bits}` as Signature,
      alg: `RS${bits}`,
      jwk: RSA,
      sign: (data) => bytes(sign(`sha${bits}`, data, rsa.privateKey)),
    },
    {
      signature: `ps${bits}` as Signature,
      alg: `PS${bits}`,
      jwk: RSA,
      sign: (data) => bytes(sign(`sha${bits}`, data, { key: rsa.privateKey, ...pss })),
    },
  ]),
  {
    signature: "es256",
    alg: "ES256",
    jwk: jwkOf(p256.publicKey),
    sign: (data) => bytes(sign("sha256", data, { key: p256.privateKey, ...raw })),
  },
  {
    signature: "es384",
    alg: "ES384",
    jwk: jwkOf(p384.publicKey),
    sign: (data) => bytes(sign("sha384", data, { key: p384.privateKey, ...raw })),
  },
  {
    signature: "eddsa",
    alg: "EdDSA",
    jwk: jwkOf(ed25519.publicKey),
    sign: (data) => bytes(sign(null, data, ed25519.privateKey)),
  },
];

function verify(signature: Signature, jwk: Jwk | string, signed: Uint8Array, data = DATA) {
  const key = typeof jwk === "string" ? jwk : JSON.stringify(jwk);
  return new NodeSignatureVerifier().verify({ signature, key, data, signed });
}

const VALID = { type: "ok", value: true } as const;
const INVALID = { type: "ok", value: false } as const;

Deno.test("NodeSignatureVerifier: every algorithm takes its own signatures, and no other", () => {
  for (const { signature, alg, jwk, sign } of SIGNERS) {
    const signed = sign(DATA);
    deepEqual(verify(signature, jwk, signed), VALID, signature);
    deepEqual(
      verify(signature, { ...jwk, alg, use: "sig", key_ops: ["verify"], kid: "1" }, signed),
      VALID,
      signature,
    );
    deepEqual(verify(signature, jwk, signed, DATA.subarray(1)), INVALID, signature);
    for (const at of [0, signed.length >> 1, signed.length - 1]) {
      const changed = signed.slice();
      changed[at]! ^= 1;
      deepEqual(verify(signature, jwk, changed), INVALID, `${signature} changed at ${at}`);
    }
    const lengths = [
      new Uint8Array(0),
      signed.subarray(1),
      Uint8Array.of(0, ...signed),
      Uint8Array.of(...signed, 0),
    ];
    for (const other of lengths) {
      deepEqual(verify(signature, jwk, other), INVALID, `${signature}, ${other.length} bytes`);
    }
    deepEqual(verify(signature, jwk, new Uint8Array(signed.length)), INVALID, `${signature}, zeros`);
  }
});

Deno.test("NodeSignatureVerifier: no algorithm takes another's signature", () => {
  for (const { signature, alg, jwk } of SIGNERS) {
    for (const other of SIGNERS.filter((each) => each.signature !== signature)) {
      const result = verify(signature, jwk, other.sign(DATA));
      deepEqual(result, INVALID, `${signature} with a signature of ${other.signature}`);
      const mismatch = verify(other.signature, { ...jwk, alg }, other.sign(DATA));
      equal(mismatch.type, "error", `${other.signature} with a key for ${alg}`);
    }
  }
});

Deno.test("NodeSignatureVerifier: ECDSA in DER form is refused", () => {
  const der = bytes(sign("sha256", DATA, p256.privateKey));
  deepEqual(verify("es256", jwkOf(p256.publicKey), der), INVALID);
});

Deno.test("NodeSignatureVerifier: a salt of another length is refused (RFC 7518 §3.5)", () => {
  for (const saltLength of [0, 20, 33]) {
    const signed = bytes(sign("sha256", DATA, { key: rsa.privateKey, ...pss, saltLength }));
    deepEqual(verify("ps256", RSA, signed), INVALID, `${saltLength} bytes of salt`);
  }
});

Deno.test("NodeSignatureVerifier: RFC 8037 appendix A.4", () => {
  const jwk = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
  const data = new TextEncoder().encode("eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc");
  const signed = Uint8Array.fromBase64(
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    { alphabet: "base64url" },
  );
  deepEqual(verify("eddsa", jwk, signed, data), VALID);
});

Deno.test("NodeSignatureVerifier: RSA keys below, at and above their sizes", () => {
  const modulus = (bits: number) => {
    const number = new Uint8Array(Math.ceil(bits / 8)).fill(0xff);
    number[0] = 0xff >> (number.length * 8 - bits);
    return number.toBase64({ alphabet: "base64url", omitPadding: true });
  };
  const of = (bits: number, e = "AQAB") =>
    verify("rs256", { kty: "RSA", n: modulus(bits), e }, new Uint8Array(256));
  for (const bits of [8, 1024, 2047]) {
    deepEqual(of(bits), {
      type: "error",
      value: `The key has ${bits} bits; 2048 are the least that is safe`,
    });
  }
  for (const bits of [2048, 3072, 4096]) deepEqual(of(bits), INVALID, String(bits));
  deepEqual(of(4097), { type: "error", value: "The key has 4097 bits; 4096 are the most that is supported" });
  deepEqual(of(2048, "Aw"), INVALID, "3");
  for (const e of ["AA", "AQ", "Ag", "AQAA", "AQAAAAE"]) {
    deepEqual(of(2048, e), {
      type: "error",
      value: "The key has an exponent that is even, below 3 or above 32 bits",
    }, e);
  }
  const padded = Uint8Array.of(0, ...Uint8Array.fromBase64(RSA["n"] as string, { alphabet: "base64url" }));
  const n = padded.toBase64({ alphabet: "base64url", omitPadding: true });
  deepEqual(verify("rs256", { ...RSA, n }, SIGNERS[0]!.sign(DATA)), VALID, "leading zeros are no bits");
});

Deno.test("NodeSignatureVerifier: a key that does not fit is an error that says why", () => {
  const ec = jwkOf(p256.publicKey);
  const cases: readonly { name: string; signature: Signature; jwk: Jwk | string; want: RegExp }[] = [
    { name: "RS256 with EC", signature: "rs256", jwk: ec, want: /is of type "EC", and RS256 needs "RSA"/ },
    { name: "PS256 with OKP", signature: "ps256", jwk: jwkOf(ed25519.publicKey), want: /PS256 needs "RSA"/ },
    { name: "ES256 with RSA", signature: "es256", jwk: RSA, want: /is of type "RSA", and ES256 needs "EC"/ },
    {
      name: "ES256 with P-384",
      signature: "es256",
      jwk: jwkOf(p384.publicKey),
      want: /the curve "P-384", and ES256/,
    },
    {
      name: "EdDSA with Ed448",
      signature: "eddsa",
      jwk: { kty: "OKP", crv: "Ed448", x: "AAAA" },
      want: /^The key /,
    },
    {
      name: "a secret",
      signature: "rs256",
      jwk: { kty: "oct", k: "AAAA" },
      want: /is of type "oct"; "RSA", "EC"/,
    },
    { name: "no type", signature: "rs256", jwk: {}, want: /is of type none/ },
    {
      name: "another alg",
      signature: "rs256",
      jwk: { ...RSA, alg: "PS256" },
      want: /is for "PS256", and not for RS256/,
    },
    { name: "alg none", signature: "rs256", jwk: { ...RSA, alg: "none" }, want: /is for "none"/ },
    { name: "alg null", signature: "rs256", jwk: { ...RSA, alg: null }, want: /is for null/ },
    { name: "for encryption", signature: "rs256", jwk: { ...RSA, use: "enc" }, want: /is for the use "enc"/ },
    {
      name: "other operations",
      signature: "rs256",
      jwk: { ...RSA, key_ops: ["sign"] },
      want: /does not list "verify"/,
    },
    { name: "no modulus", signature: "rs256", jwk: { kty: "RSA", e: "AQAB" }, want: /has no "n"/ },
    { name: "a number", signature: "rs256", jwk: { ...RSA, n: 5 }, want: /has no "n"/ },
    { name: "no base64url", signature: "rs256", jwk: { ...RSA, n: "a+/=" }, want: /has no base64url in "n"/ },
    {
      name: "a length no base64 has",
      signature: "rs256",
      jwk: { ...RSA, n: "A" },
      want: /^The key cannot be used$/,
    },
    {
      name: "off the curve",
      signature: "es256",
      jwk: { ...ec, y: ec["x"] },
      want: /does not hold valid numbers/,
    },
    { name: "no JSON", signature: "es256", jwk: "{", want: /is not JSON/ },
    { name: "no object", signature: "es256", jwk: "[]", want: /is not a JSON object/ },
    { name: "null", signature: "es256", jwk: "null", want: /is not a JSON object/ },
    { name: "nothing", signature: "es256", jwk: "", want: /is not JSON/ },
  ];
  for (const { name, signature, jwk, want } of cases) {
    const result = verify(signature, jwk, new Uint8Array(64));
    equal(result.type, "error", name);
    match(String(result.value), want, name);
  }
});

Deno.test("NodeSignatureVerifier: a private key serves as its public part", () => {
  deepEqual(
    verify("es256", jwkOf(p256.privateKey), SIGNERS.find((each) => each.signature === "es256")!.sign(DATA)),
    VALID,
  );
});

Deno.test("NodeSignatureVerifier: keys are held ready, in a bounded number, the latest used", () => {
  const verifier = new NodeSignatureVerifier();
  const signed = SIGNERS.at(-1)!.sign(DATA);
  const key = (kid: number) => JSON.stringify({ ...jwkOf(ed25519.publicKey), kid });
  const run = (kid: number) => verifier.verify({ signature: "eddsa", key: key(kid), data: DATA, signed });
  for (let kid = 0; kid < 256; kid++) deepEqual(run(kid), VALID);
  equal(verifier.keys, 256);
  for (let kid = 200; kid < 600; kid++) deepEqual(run(kid), VALID);
  equal(verifier.keys, 256);
  equal(verifier.verify({ signature: "eddsa", key: "{}", data: DATA, signed }).type, "error");
  equal(verifier.keys, 256, "what cannot be used is not held");
});

Deno.test("NodeSignatureVerifier: a key held ready is still checked against the algorithm", () => {
  const verifier = new NodeSignatureVerifier();
  const key = JSON.stringify({ ...RSA, alg: "RS256" });
  const check = { key, data: DATA, signed: SIGNERS[0]!.sign(DATA) };
  deepEqual(verifier.verify({ ...check, signature: "rs256" }), VALID);
  equal(verifier.verify({ ...check, signature: "ps256" }).type, "error");
  equal(verifier.verify({ ...check, signature: "es256" }).type, "error");
});

Deno.test("NodeSignatureVerifier: a key for something else is refused before it is imported, and not held", () => {
  const verifier = new NodeSignatureVerifier();
  const cases: { signature: Signature; jwk: Jwk; want: RegExp }[] = [
    { signature: "eddsa", jwk: { kty: "EC", crv: "P-384", x: "AA", y: "AA" }, want: /type "EC"/ },
    { signature: "es256", jwk: { kty: "EC", crv: "P-384", x: "AA", y: "AA" }, want: /curve "P-384"/ },
    { signature: "rs256", jwk: { kty: "RSA", n: "AA", e: "AA", alg: "PS256" }, want: /for "PS256"/ },
  ];
  for (const { signature, jwk, want } of cases) {
    const key = JSON.stringify(jwk);
    const result = verifier.verify({ signature, key, data: DATA, signed: new Uint8Array(64) });
    match(String(result.value), want);
    equal(verifier.holds(key), false);
  }
  const key = JSON.stringify(jwkOf(ed25519.publicKey));
  verifier.verify({ signature: "es256", key, data: DATA, signed: new Uint8Array(64) });
  equal(verifier.holds(key), false);
  verifier.verify({ signature: "eddsa", key, data: DATA, signed: new Uint8Array(64) });
  equal(verifier.holds(key), true);
});

Deno.test("NodeSignatureVerifier: the digest is part of the algorithm", () => {
  const digest = createHash("sha256").update(DATA).digest();
  deepEqual(verify("rs256", RSA, SIGNERS[0]!.sign(DATA), bytes(digest)), INVALID);
});
