// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `crypto`. */

import { Bytes, loadBytes, loadText, Text } from "../text";
import { failed, Result, succeeded } from "../values";

const RESULT: usize = memory.data(12, 8);

/** `hash` of `crypto`. */
export class Hash {
  static readonly MD5: u8 = 0;
  static readonly SHA1: u8 = 1;
  static readonly SHA256: u8 = 2;
  static readonly SHA384: u8 = 3;
  static readonly SHA512: u8 = 4;
}

/** `signature` of `crypto`. */
export class Signature {
  static readonly RS256: u8 = 0;
  static readonly RS384: u8 = 1;
  static readonly RS512: u8 = 2;
  static readonly PS256: u8 = 3;
  static readonly PS384: u8 = 4;
  static readonly PS512: u8 = 5;
  static readonly ES256: u8 = 6;
  static readonly ES384: u8 = 7;
  static readonly EDDSA: u8 = 8;
}

// asc: @external("sentinel:agent/crypto@1.0.0", "digest")
declare function rawDigest(p0: i32, p1: i32, p2: i32, p3: i32): void;

/** `digest` of `crypto`. */
export function digest(hash: u8, data: Bytes): Bytes {
  rawDigest(hash, <i32> data.at, data.length, <i32> RESULT);
  return loadBytes(RESULT);
}

// asc: @external("sentinel:agent/crypto@1.0.0", "hmac")
declare function rawHmac(p0: i32, p1: i32, p2: i32, p3: i32, p4: i32, p5: i32): void;

/** `hmac` of `crypto`. */
export function hmac(hash: u8, key: Bytes, data: Bytes): Bytes {
  rawHmac(hash, <i32> key.at, key.length, <i32> data.at, data.length, <i32> RESULT);
  return loadBytes(RESULT);
}

// asc: @external("sentinel:agent/crypto@1.0.0", "equal")
declare function rawEqual(p0: i32, p1: i32, p2: i32, p3: i32): i32;

/** In time that depends on the lengths alone. */
export function equal(a: Bytes, b: Bytes): bool {
  return rawEqual(<i32> a.at, a.length, <i32> b.at, b.length) != 0;
}

// asc: @external("sentinel:agent/crypto@1.0.0", "verify")
declare function rawVerify(p0: i32, p1: i32, p2: i32, p3: i32, p4: i32, p5: i32, p6: i32, p7: i32): void;

/** `key` is a JWK as JSON. An error says why the key cannot be used. */
export function verify(signature: u8, key: Text, data: Bytes, signed: Bytes): Result<bool, Text> {
  rawVerify(
    signature,
    <i32> key.at,
    key.length,
    <i32> data.at,
    data.length,
    <i32> signed.at,
    signed.length,
    <i32> RESULT,
  );
  return load<u8>(RESULT) == 0
    ? succeeded<bool, Text>(load<u8>(RESULT, 4) != 0)
    : failed<bool, Text>(loadText(RESULT + 4));
}
