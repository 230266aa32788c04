import { hex } from "../bytes.ts";
import { type DerValue, members, oidText, readDer, timeMs } from "./der_reader.ts";
import { pemBlocks } from "./pem.ts";

/** Certificates of one chain; public authorities send two to four. */
const CHAIN_MAX = 10;

const OID_COMMON_NAME = "2.5.4.3";
const OID_ORGANISATION = "2.5.4.10";
const OID_SUBJECT_ALT_NAME = "2.5.29.17";

/** What a certificate says of itself. */
export interface CertificateFacts {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** The issuer's common name, after its organisation where it has one. */
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Names of its subject alternative names, lower case. */
  readonly domains: readonly string[];
  /** `SubjectPublicKeyInfo` in DER. */
  readonly publicInfo: Uint8Array;
  /** Whether issuer and subject are the same. */
  readonly isSelfIssued: boolean;
}

/** The facts of the first certificate of a PEM chain. Throws when the chain has none, or a broken one. */
export function readChain(pem: string): CertificateFacts {
  const chain = pemBlocks(pem).filter(({ label }) => label === "CERTIFICATE");
  if (chain.length === 0) throw new Error("there is no certificate");
  if (chain.length > CHAIN_MAX) throw new Error(`a chain of more than ${CHAIN_MAX} certificates`);
  const [leaf] = chain.map(({ bytes }) => readCertificate(bytes));
  return leaf!;
}

/** Reads a certificate in DER (RFC 5280 §4.1). Nothing is verified. Throws when it is malformed. */
export function readCertificate(bytes: Uint8Array): CertificateFacts {
  const [toBeSigned] = members(readDer(bytes));
  if (toBeSigned?.tag !== 0x30) throw new Error("no certificate");
  const fields = members(toBeSigned);
  // The version is left out of certificates of version 1.
  const first = fields[0]?.tag === 0xa0 ? 1 : 0;
  const [serial, , issuer, validity, subject, publicInfo, ...rest] = fields.slice(first);
  if (serial === undefined || issuer === undefined || validity === undefined || subject === undefined) {
    throw new Error("a certificate that is cut off");
  }
  if (publicInfo === undefined) throw new Error("a certificate without a key");
  const [notBefore, notAfter] = members(validity);
  if (notBefore === undefined || notAfter === undefined) throw new Error("a certificate without its times");
  return {
    serial: hex(serial.contents),
    issuer: nameText(issuer),
    notBeforeMs: timeMs(notBefore),
    notAfterMs: timeMs(notAfter),
    domains: altNames(rest),
    publicInfo: publicInfo.whole,
    isSelfIssued: hex(issuer.whole) === hex(subject.whole),
  };
}

function nameText(name: DerValue): string {
  const parts = new Map<string, string>();
  for (const set of members(name)) {
    for (const pair of members(set)) {
      const [type, value] = members(pair);
      if (type !== undefined && value !== undefined) {
        parts.set(oidText(type), new TextDecoder().decode(value.contents));
      }
    }
  }
  const [organisation, common] = [parts.get(OID_ORGANISATION), parts.get(OID_COMMON_NAME)];
  return [organisation, common].filter((part) => part !== undefined).join(" ");
}

function altNames(fields: readonly DerValue[]): string[] {
  const extensions = fields.find(({ tag }) => tag === 0xa3);
  if (extensions === undefined) return [];
  for (const extension of members(members(extensions)[0]!)) {
    const parts = members(extension);
    if (parts[0] === undefined || oidText(parts[0]) !== OID_SUBJECT_ALT_NAME) continue;
    const names = members(readDer(parts.at(-1)!.contents));
    return names.filter(({ tag }) => tag === 0x82).map(({ contents }) =>
      new TextDecoder().decode(contents).toLowerCase()
    );
  }
  return [];
}
