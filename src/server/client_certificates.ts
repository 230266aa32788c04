import { createHash, verify, X509Certificate } from "node:crypto";
import type { ClientCertificate, ClientCertificateProblem } from "../core/tls.ts";
import { type Certificate, parseCertificate } from "../tls/certificate.ts";
import { sameBytes } from "../tls/der.ts";
import { parseRevocationList, type RevocationList } from "../tls/revocation_list.ts";
import { certificatesOf } from "./tls_credentials.ts";

/** Certificates from the client's to the authority's, both included. */
const CHAIN_LENGTH_MAX = 6;
/** Certificates of a client that are looked at. */
const SENT_MAX = 10;
/** Signatures checked for one client: a client could send many authorities of one name. */
const SIGNATURE_CHECKS_MAX = 12;

/** Authorities of one name that are remembered not to have signed a list. */
const OTHERS_MAX = 64;

/** A certificate with its key. */
interface Known {
  readonly certificate: Certificate;
  readonly x509: X509Certificate;
}

/** Sizes of RSA keys that are believed: smaller ones are broken, larger ones cost too much to check. */
const RSA_BITS_MIN = 2048;
const RSA_BITS_MAX = 8192;
const RSA_PSS = "1.2.840.113549.1.1.10";

/** Hash of each signature algorithm that lists are signed with; null: the algorithm has its own. */
const LIST_ALGORITHMS: Readonly<Record<string, string | null>> = {
  "1.2.840.113549.1.1.11": "sha256",
  "1.2.840.113549.1.1.12": "sha384",
  "1.2.840.113549.1.1.13": "sha512",
  "1.2.840.10045.4.3.2": "sha256",
  "1.2.840.10045.4.3.3": "sha384",
  "1.2.840.10045.4.3.4": "sha512",
  "1.3.101.112": null,
};

interface CheckedList {
  readonly list: RevocationList;
  /** Fingerprint of the authority that signed it, once that was found out. */
  signer: string | undefined;
  /** Fingerprints of others of that name, so that the signature is not checked for every handshake of theirs. */
  readonly others: Set<string>;
}

/**
 * Judges client certificates (RFC 5280 §6, without policies and name constraints: an authority with a critical one
 * is not used). The engine judges them too, but not on resumed sessions, nor with revocation lists; and a session
 * may have begun at another listener, with other authorities. So each handshake is judged here.
 */
export class ClientCertificates {
  /** The same for the same authorities and lists. */
  readonly digest: string;
  readonly #anchors: readonly Known[];
  readonly #lists: readonly CheckedList[] | null;
  readonly #wallMs: () => number;

  /** Throws with the path when a file holds nothing that can be used. */
  constructor(init: {
    readonly ca: { readonly path: string; readonly pem: string };
    readonly crl: { readonly path: string; readonly pem: string } | null;
    readonly wallMs: () => number;
  }) {
    this.#wallMs = init.wallMs;
    const files = JSON.stringify([init.ca.pem, init.crl?.pem]);
    this.digest = createHash("sha256").update(files).digest("hex");
    this.#anchors = certificatesOf(init.ca.path, init.ca.pem).map(known);
    this.#lists = init.crl === null
      ? null
      : listsOf(init.crl).map((list) => ({ list, signer: undefined, others: new Set() }));
  }

  /** What is known of the certificates that a client sent, its own first; null when it sent none. */
  judge(sent: readonly Uint8Array[]): ClientCertificate | null {
    const der = sent[0];
    if (der === undefined) return null;
    const fingerprint = createHash("sha256").update(der).digest("hex");
    try {
      const chain = sent.slice(0, SENT_MAX).map((each) => known(new X509Certificate(each)));
      const { subject, issuer, names, serial } = chain[0]!.certificate;
      return { problem: this.#problem(chain), subject, issuer, names, serial, fingerprint, der };
    } catch {
      return { problem: "unreadable", subject: "", issuer: "", names: [], serial: "", fingerprint, der };
    }
  }

  /** Why the chain is not believed; empty when it is. */
  #problem(sent: readonly Known[]): ClientCertificateProblem | "" {
    const now = this.#wallMs();
    const chain = [sent[0]!];
    const budget = { checks: SIGNATURE_CHECKS_MAX };
    const first = this.#problemOf(chain[0]!, now);
    if (first !== "") return first;
    while (true) {
      const last = chain.at(-1)!;
      if (this.#isAnchor(last)) return this.#listProblem(chain, now);
      if (chain.length >= CHAIN_LENGTH_MAX) return "chain_too_long";
      const issuer = issuerOf(last, [...this.#anchors, ...sent.slice(1)], budget);
      if (typeof issuer === "string") return issuer;
      // Those that are not self-issued count, the client's own does not: as many as stand below the issuer.
      const below = chain.slice(1).filter(({ certificate: { subjectDer, issuerDer } }) =>
        !sameBytes(subjectDer, issuerDer)
      ).length;
      if (below > issuer.certificate.pathLengthMax) {
        return "chain_too_long";
      }
      const problem = this.#problemOf(issuer, now);
      if (problem !== "") {
        return problem;
      }
      chain.push(issuer);
    }
  }

  /** An authority that is trusted proves nothing by who signed it, so its signature may be as weak as it likes. */
  #problemOf(each: Known, now: number): ClientCertificateProblem | "" {
    const problem = problemOf(each, now);
    return problem === "" && !isStrong(each.certificate) && !this.#isAnchor(each) ? "unsupported" : problem;
  }

  #isAnchor({ certificate }: Known): boolean {
    return this.#anchors.some((anchor) => sameBytes(anchor.certificate.der, certificate.der));
  }

  /** Looks every certificate of the chain up in its issuer's list, the authority at the end excepted. */
  #listProblem(chain: readonly Known[], now: number): ClientCertificateProblem | "" {
    if (this.#lists === null) return "";
    for (let i = 0; i + 1 < chain.length; i++) {
      const issuer = chain[i + 1]!;
      const lists = this.#lists.filter((each) => isListOf(each, issuer));
      if (lists.length === 0) return "list_missing";
      const current = lists.filter(({ list }) => list.nextUpdateMs >= now);
      if (current.length === 0) return "list_expired";
      // The next list may be there before the last one is over: neither is taken for the only one.
      const { serial } = chain[i]!.certificate;
      if (current.some(({ list }) => list.revoked.has(serial))) return "revoked";
    }
    return "";
  }
}

function known(x509: X509Certificate): Known {
  return { x509, certificate: parseCertificate(new Uint8Array(x509.raw)) };
}

/** Why a certificate is not believed whoever issued it; empty when nothing speaks against it. */
function problemOf({ certificate, x509 }: Known, now: number): ClientCertificateProblem | "" {
  if (!certificate.forClients) return "wrong_purpose";
  if (now > certificate.notAfterMs) return "expired";
  if (now < certificate.notBeforeMs) return "not_yet_valid";
  const bits = x509.publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX)) return "unsupported";
  return certificate.hasUnknownCritical ? "unsupported" : "";
}

/** Not SHA-1 or older. */
function isStrong({ algorithm }: Certificate): boolean {
  return Object.hasOwn(LIST_ALGORITHMS, algorithm) || algorithm === RSA_PSS;
}

/** The authority that signed a certificate; else why there is none. */
function issuerOf(
  { certificate, x509 }: Known,
  candidates: readonly Known[],
  budget: { checks: number },
): Known | ClientCertificateProblem {
  let problem: ClientCertificateProblem = "unknown_issuer";
  for (const candidate of candidates) {
    const authority = candidate.certificate;
    if (!sameBytes(authority.subjectDer, certificate.issuerDer)) continue;
    if (!authority.isAuthority || !authority.signsCertificates) continue;
    if (budget.checks-- <= 0) return "chain_too_long";
    if ((candidate.x509.publicKey.asymmetricKeyDetails?.modulusLength ?? 0) > RSA_BITS_MAX) continue;
    if (x509.verify(candidate.x509.publicKey)) return candidate;
    problem = "bad_signature";
  }
  return problem;
}

function isListOf(checked: CheckedList, { certificate, x509 }: Known): boolean {
  const { list } = checked;
  if (!certificate.signsLists || !sameBytes(list.issuerDer, certificate.subjectDer)) return false;
  const fingerprint = x509.fingerprint256;
  if (checked.signer !== undefined) return checked.signer === fingerprint;
  if (checked.others.has(fingerprint)) return false;
  const hash = LIST_ALGORITHMS[list.algorithm];
  if (hash === undefined || !verify(hash, list.signed, x509.publicKey, list.signature)) {
    if (checked.others.size < OTHERS_MAX) checked.others.add(fingerprint);
    return false;
  }
  checked.signer = fingerprint;
  return true;
}

function listsOf({ path, pem }: { readonly path: string; readonly pem: string }): RevocationList[] {
  const blocks = pem.match(/-----BEGIN X509 CRL-----[\s\S]*?-----END X509 CRL-----/g) ?? [];
  if (blocks.length === 0) throw new Error(`${path} holds no PEM revocation list`);
  return blocks.map((block) => {
    const base64 = block.replace(/-----[^-]+-----|\s/g, "");
    let list: RevocationList;
    try {
      list = parseRevocationList(Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0)));
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${path} holds a revocation list that cannot be used: ${why}`, { cause });
    }
    if (!(list.algorithm in LIST_ALGORITHMS)) {
      throw new Error(
        `${path} holds a revocation list signed by an unsupported algorithm: ${list.algorithm}`,
      );
    }
    return list;
  });
}
