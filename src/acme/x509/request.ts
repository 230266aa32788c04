/** Certificate requests (PKCS#10, RFC 2986) and the certificate that stands in until the first real one is there. */

import { type Bytes, utf8 } from "../bytes.ts";
import { integer, octetString, oid, sequence, setOf, tagged, time, utf8String, yes } from "./der_writer.ts";
import { KEY_TYPES, type SigningKey } from "./key.ts";
import { pemText } from "./pem.ts";

/** Common names are no longer (RFC 5280 appendix A.1, `ub-common-name`). */
const COMMON_NAME_MAX = 64;
/** Certificates hold from a little before now, for clients whose clock is behind. */
const BACKDATED_MS = 3_600_000;

const OID_COMMON_NAME = "2.5.4.3";
const OID_SUBJECT_ALT_NAME = "2.5.29.17";
const OID_BASIC_CONSTRAINTS = "2.5.29.19";
const OID_KEY_USAGE = "2.5.29.15";
const OID_EXTENDED_KEY_USAGE = "2.5.29.37";
const OID_SERVER_AUTH = "1.3.6.1.5.5.7.3.1";
const OID_EXTENSION_REQUEST = "1.2.840.113549.1.9.14";

/** A signed request for a certificate of these names, in DER. The first one that fits is the common name. */
export async function certificateRequest(key: SigningKey, domains: readonly string[]): Promise<Bytes> {
  const common = domains.find((domain) => domain.length <= COMMON_NAME_MAX);
  const extensions = sequence(subjectAltName(domains));
  const attributes = tagged(0xa0, sequence(oid(OID_EXTENSION_REQUEST), setOf(extensions)));
  const info = sequence(integer(Uint8Array.of(0)), commonName(common), await key.publicInfo(), attributes);
  return await key.signedDer(info);
}

/** What a stand-in certificate says. */
export interface SelfSignedInit {
  readonly key: SigningKey;
  readonly domains: readonly string[];
  readonly issuer: string;
  readonly wallMs: number;
  readonly lifetimeMs: number;
  /** 16 unpredictable bytes. */
  readonly serial: Uint8Array;
}

/** A certificate (RFC 5280 §4.1) that vouches for itself, in PEM. */
export async function selfSigned(init: SelfSignedInit): Promise<string> {
  const { key, domains, issuer, wallMs, lifetimeMs, serial } = init;
  // A positive number of at most 20 bytes that is not 0 (RFC 5280 §4.1.2.2).
  const number = Uint8Array.from(serial);
  number[0] = (number[0]! & 0x7f) | 0x40;
  const extensions = sequence(
    subjectAltName(domains),
    extension(OID_BASIC_CONSTRAINTS, { critical: sequence() }),
    // digitalSignature: the first of the bits, the other seven unused.
    extension(OID_KEY_USAGE, { critical: tagged(0x03, Uint8Array.of(7, 0x80)) }),
    extension(OID_EXTENDED_KEY_USAGE, { plain: sequence(oid(OID_SERVER_AUTH)) }),
  );
  const toBeSigned = sequence(
    tagged(0xa0, integer(Uint8Array.of(2))),
    integer(number),
    KEY_TYPES[key.type].signatureAlgorithm,
    commonName(issuer),
    sequence(time(wallMs - BACKDATED_MS), time(wallMs + lifetimeMs)),
    commonName(issuer),
    await key.publicInfo(),
    tagged(0xa3, extensions),
  );
  return pemText("CERTIFICATE", await key.signedDer(toBeSigned));
}

function commonName(text: string | undefined): Bytes {
  if (text === undefined) return sequence();
  return sequence(setOf(sequence(oid(OID_COMMON_NAME), utf8String(text))));
}

function extension(
  id: string,
  value: { readonly critical: Uint8Array } | { readonly plain: Uint8Array },
): Bytes {
  if ("critical" in value) return sequence(oid(id), yes(), octetString(value.critical));
  return sequence(oid(id), octetString(value.plain));
}

/** `dNSName` is the choice [2] of a general name (RFC 5280 §4.2.1.6). */
function subjectAltName(domains: readonly string[]): Bytes {
  const names = domains.map((domain) => tagged(0x82, utf8(domain)));
  return extension(OID_SUBJECT_ALT_NAME, { plain: sequence(...names) });
}
