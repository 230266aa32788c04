import type { Hash } from "../../contract/sentinel_types.ts";
import { md5 } from "./md5.ts";
import { sha1 } from "./sha1.ts";
import { sha256 } from "./sha256.ts";
import { sha384, sha512 } from "./sha512.ts";

interface HashFunction {
  /** What HMAC pads keys to. */
  readonly blockBytes: number;
  digest(data: Uint8Array): Uint8Array;
}

const HASHES: Readonly<Record<Hash, HashFunction>> = {
  md5: { blockBytes: 64, digest: md5 },
  sha1: { blockBytes: 64, digest: sha1 },
  sha256: { blockBytes: 64, digest: sha256 },
  sha384: { blockBytes: 128, digest: sha384 },
  sha512: { blockBytes: 128, digest: sha512 },
};

/** The digest of the data. Written in TypeScript because WebCrypto answers later, and a guest calls now. */
export function digest(hash: Hash, data: Uint8Array): Uint8Array {
  return HASHES[hash].digest(data);
}

/** The keyed digest of the data (RFC 2104). */
export function hmac(hash: Hash, key: Uint8Array, data: Uint8Array): Uint8Array {
  const { blockBytes, digest } = HASHES[hash];
  const padded = new Uint8Array(blockBytes);
  padded.set(key.length > blockBytes ? digest(key) : key);
  const inner = new Uint8Array(blockBytes + data.length);
  for (let i = 0; i < blockBytes; i++) inner[i] = padded[i]! ^ 0x36;
  inner.set(data, blockBytes);
  const innerDigest = digest(inner);
  const outer = new Uint8Array(blockBytes + innerDigest.length);
  for (let i = 0; i < blockBytes; i++) outer[i] = padded[i]! ^ 0x5c;
  outer.set(innerDigest, blockBytes);
  return digest(outer);
}
