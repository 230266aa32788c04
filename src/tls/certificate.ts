import { DerReader, hex, TAG } from "./der.ts";
import { nameText } from "./distinguished_name.ts";

/** The parts of an X.509 certificate that decide whether it is believed (RFC 5280 §4). */
export interface Certificate {
  readonly der: Uint8Array;
  /** Hexadecimal, lower case. */
  readonly serial: string;
  /** DER of the names, to be compared; and as text. */
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  readonly issuer: string;
  readonly subject: string;
  /** Unix milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly isAuthority: boolean;
  /** Authorities that may stand below this one; Infinity when it does not say. */
  readonly pathLengthMax: number;
  /** Whether it may sign certificates, and revocation lists; both true when it does not say. */
  readonly signsCertificates: boolean;
  readonly signsLists: boolean;
  /** Whether it may authenticate a client. */
  readonly forClients: boolean;
  /** As `DNS:…`, `URI:…`, `email:…`, `IP:…`; in ASCII without controls. */
  readonly names: readonly string[];
  /** It says something that must be understood and is not, name constraints among them. */
  readonly hasUnknownCritical: boolean;
  /** Algorithm of its signature, dotted. */
  readonly algorithm: string;
}

const BASIC_CONSTRAINTS = "2.5.29.19";
const KEY_USAGE = "2.5.29.15";
const EXTENDED_KEY_USAGE = "2.5.29.37";
const SUBJECT_ALT_NAME = "2.5.29.17";
const NAME_CONSTRAINTS = "2.5.29.30";
/** Policies and where to find lists: allowed to be critical, and nothing follows from them here. */
const HARMLESS: ReadonlySet<string> = new Set(["2.5.29.32", "2.5.29.31", "2.5.29.35", "2.5.29.14"]);

const CLIENT_AUTH = "1.3.6.1.5.5.7.3.2";
const ANY_PURPOSE = "2.5.29.37.0";
const KEY_CERT_SIGN = 0x04;
const CRL_SIGN = 0x02;
/** Names that are told to upstreams and logs; certificates may hold any number. */
const NAMES_MAX = 32;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Reads a certificate. Throws `DerError` when it is none. */
export function parseCertificate(der: Uint8Array): Certificate {
  const outer = new DerReader(der).enter(TAG.sequence);
  const body = outer.enter(TAG.sequence);
  const algorithm = outer.enter(TAG.sequence).oid();
  body.optional(0xa0);
  const serial = hex(body.expect(TAG.integer).content).replace(/^(00)+(?=..)/, "");
  body.expect(TAG.sequence);
  const issuerDer = body.expect(TAG.sequence).whole;
  const validity = body.enter(TAG.sequence);
  const notBeforeMs = validity.time();
  const notAfterMs = validity.time();
  const subjectDer = body.expect(TAG.sequence).whole;
  body.expect(TAG.sequence);
  body.optional(0x81);
  body.optional(0x82);
  const certificate: Mutable<Certificate> = {
    der,
    serial,
    issuerDer,
    subjectDer,
    issuer: nameText(issuerDer),
    subject: nameText(subjectDer),
    notBeforeMs,
    notAfterMs,
    isAuthority: false,
    pathLengthMax: Infinity,
    signsCertificates: true,
    signsLists: true,
    forClients: true,
    names: [],
    hasUnknownCritical: false,
    algorithm,
  };
  const extensions = body.optional(0xa3);
  if (extensions !== undefined) readExtensions(extensions.content, certificate);
  return certificate;
}

function readExtensions(content: Uint8Array, certificate: Mutable<Certificate>): void {
  const list = new DerReader(content).enter(TAG.sequence);
  while (!list.isAtEnd) {
    const extension = list.enter(TAG.sequence);
    const oid = extension.oid();
    const isCritical = (extension.optional(TAG.boolean)?.content[0] ?? 0) !== 0;
    const value = new DerReader(extension.expect(TAG.octetString).content);
    switch (oid) {
      case BASIC_CONSTRAINTS:
        readBasicConstraints(value, certificate);
        break;
      case KEY_USAGE: {
        const bits = value.expect(TAG.bitString).content[1] ?? 0;
        certificate.signsCertificates = (bits & KEY_CERT_SIGN) !== 0;
        certificate.signsLists = (bits & CRL_SIGN) !== 0;
        break;
      }
      case EXTENDED_KEY_USAGE: {
        const purposes = value.enter(TAG.sequence);
        certificate.forClients = false;
        while (!purposes.isAtEnd) {
          const purpose = purposes.oid();
          if (purpose === CLIENT_AUTH || purpose === ANY_PURPOSE) certificate.forClients = true;
        }
        break;
      }
      case SUBJECT_ALT_NAME:
        certificate.names = alternativeNames(value.enter(TAG.sequence));
        break;
      default:
        if (oid === NAME_CONSTRAINTS || (isCritical && !HARMLESS.has(oid))) {
          certificate.hasUnknownCritical = true;
        }
    }
  }
}

function readBasicConstraints(value: DerReader, certificate: Mutable<Certificate>): void {
  const constraints = value.enter(TAG.sequence);
  certificate.isAuthority = (constraints.optional(TAG.boolean)?.content[0] ?? 0) !== 0;
  const length = constraints.optional(TAG.integer);
  if (length !== undefined) certificate.pathLengthMax = Number(`0x${hex(length.content) || "0"}`);
}

/** General names (RFC 5280 §4.2.1.6) of the kinds that people use to tell clients apart. */
function alternativeNames(list: DerReader): string[] {
  const names: string[] = [];
  while (!list.isAtEnd && names.length < NAMES_MAX) {
    const { tag, content } = list.next();
    if (tag === 0x81) names.push(`email:${ascii(content)}`);
    else if (tag === 0x82) names.push(`DNS:${ascii(content)}`);
    else if (tag === 0x86) names.push(`URI:${ascii(content)}`);
    else if (tag === 0x87) names.push(`IP:${addressText(content)}`);
  }
  return names;
}

/** What is no printable ASCII, and the comma that separates names, is written as `\XX`. */
function ascii(bytes: Uint8Array): string {
  let text = "";
  for (const octet of bytes) {
    const isPlain = octet > 0x20 && octet < 0x7f && octet !== 0x2c && octet !== 0x5c;
    text += isPlain ? String.fromCharCode(octet) : `\\${octet.toString(16).padStart(2, "0")}`;
  }
  return text;
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = hex(bytes).match(/.{1,4}/g) ?? [];
  return groups.map((group) => Number.parseInt(group, 16).toString(16)).join(":");
}
