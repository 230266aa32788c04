/** A certificate authority for tests: reads requests (PKCS#10) with care and signs certificates with its own key. */

import { createPublicKey, verify } from "node:crypto";
import type { Bytes } from "../../src/acme/bytes.ts";
import { members, oidText, readDer } from "../../src/acme/x509/der_reader.ts";
import {
  integer,
  octetString,
  oid,
  sequence,
  setOf,
  tagged,
  time,
  utf8String,
  yes,
} from "../../src/acme/x509/der_writer.ts";
import { KEY_TYPES, SigningKey } from "../../src/acme/x509/key.ts";
import { pemText } from "../../src/acme/x509/pem.ts";

const COMMON_NAME = "2.5.4.3";

/** What a request asks for, its signature verified. */
export interface ReadRequest {
  readonly publicInfo: Uint8Array;
  readonly domains: readonly string[];
}

/** Reads a request. Throws when its signature is wrong, or it has no names. */
export function readRequest(der: Uint8Array): ReadRequest {
  const [info, algorithm, signature] = members(readDer(der));
  const [, , publicInfo, attributes] = members(info!);
  const name = oidText(members(algorithm!)[0]!);
  const hash = name === "1.2.840.10045.4.3.3" ? "sha384" : "sha256";
  const key = createPublicKey({
    key: Uint8Array.from(publicInfo!.whole) as never,
    format: "der",
    type: "spki",
  });
  if (!verify(hash, info!.whole, key, signature!.contents.subarray(1))) throw new Error("wrong signature");
  const [type, values] = members(members(attributes!)[0]!);
  if (oidText(type!) !== "1.2.840.113549.1.9.14") throw new Error("no extension request");
  const [names] = members(members(values!)[0]!);
  const [, value] = members(names!);
  const domains = members(readDer(value!.contents)).map(({ contents }) => new TextDecoder().decode(contents));
  return { publicInfo: publicInfo!.whole, domains };
}

/** What a certificate is to say. */
export interface CertificateWish extends ReadRequest {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** A root that signs. */
export class Authority {
  readonly #key: SigningKey;
  /** PEM of the root. */
  readonly root: string;
  #serial = 1;

  private constructor(key: SigningKey, root: string) {
    this.#key = key;
    this.root = root;
  }

  static async create(wallMs: number): Promise<Authority> {
    const key = await SigningKey.generate("ecdsa-p256");
    const years = 10 * 365 * 86_400_000;
    const toBeSigned = sequence(
      tagged(0xa0, integer(Uint8Array.of(2))),
      integer(Uint8Array.of(1)),
      KEY_TYPES[key.type].signatureAlgorithm,
      nameOf("Test Root"),
      sequence(time(wallMs - years), time(wallMs + years)),
      nameOf("Test Root"),
      await key.publicInfo(),
      tagged(0xa3, sequence(sequence(oid("2.5.29.19"), yes(), octetString(sequence(yes()))))),
    );
    return new Authority(key, pemText("CERTIFICATE", await key.signedDer(toBeSigned)));
  }

  /** A chain of the certificate and the root, in PEM. */
  async issue({ publicInfo, domains, notBeforeMs, notAfterMs }: CertificateWish): Promise<string> {
    this.#serial++;
    const names = sequence(...domains.map((domain) => tagged(0x82, new TextEncoder().encode(domain))));
    const toBeSigned: Bytes = sequence(
      tagged(0xa0, integer(Uint8Array.of(2))),
      integer(Uint8Array.of(this.#serial >> 8, this.#serial & 0xff)),
      KEY_TYPES[this.#key.type].signatureAlgorithm,
      nameOf("Test Root"),
      sequence(time(notBeforeMs), time(notAfterMs)),
      nameOf(domains[0]!),
      publicInfo,
      tagged(0xa3, sequence(sequence(oid("2.5.29.17"), octetString(names)))),
    );
    return pemText("CERTIFICATE", await this.#key.signedDer(toBeSigned)) + this.root;
  }
}

function nameOf(common: string): Bytes {
  return sequence(setOf(sequence(oid(COMMON_NAME), utf8String(common))));
}
