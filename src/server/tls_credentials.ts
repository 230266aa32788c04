import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { CertificateFacts } from "../core/tls.ts";
import type { KeyType } from "../tls/cipher_suites.ts";
import type { CertificateFiles } from "../tls/options.ts";
import type { NamedCredential } from "../tls/server_names.ts";
import { accepts, type EngineConstructor, type EngineContext } from "./tls_engine.ts";

/** Larger files of certificates or keys are a mistake. */
const FILE_CHARACTERS_MAX = 1_048_576;

/** A certificate with its key, as the engine takes it. */
export interface Credential extends NamedCredential {
  readonly context: EngineContext;
  readonly facts: CertificateFacts;
  /** Names of the certificate: those of its SAN, else the common name of its subject. */
  readonly names: readonly string[];
}

/** What the contexts of one listener have in common. */
export type ContextRules = Omit<EngineContext, "cert" | "key">;

/** How credentials are read and tried. */
export interface CredentialReader {
  readonly engine: EngineConstructor;
  readonly rules: ContextRules;
  readonly readText: (path: string) => Promise<string>;
}

/** Reads a certificate and its key. Rejects with a message for people that names the file. */
export async function readCredential(files: CertificateFiles, reader: CredentialReader): Promise<Credential> {
  const cert = await readPem(files.certFile, reader.readText);
  // One file with both is read once: between two looks it may be replaced, by another process that shares it.
  const key = files.keyFile === files.certFile ? cert : await readPem(files.keyFile, reader.readText);
  const certificate = parse(files.certFile, cert);
  const privateKey = attempt(
    `${files.keyFile} holds no private key that can be read`,
    () => createPrivateKey(onlyKey(key)),
  );
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new Error(`the key in ${files.keyFile} is not that of the certificate in ${files.certFile}`);
  }
  const kind = keyKind(certificate);
  if (kind === undefined) {
    throw new Error(
      `the key in ${files.keyFile} must be RSA of 2048 bits and more, ECDSA P-256 or P-384, or Ed25519`,
    );
  }
  const context: EngineContext = { ...reader.rules, cert, key: quickKey(privateKey) };
  if (!accepts(reader.engine, context)) {
    throw new Error(`the certificate in ${files.certFile} or its key cannot be used for TLS`);
  }
  const facts = { file: files.certFile, notAfterMs: certificate.validToDate.getTime() };
  return { ...kind, context, facts, names: namesOf(certificate) };
}

/** A file's first key alone: certificates may stand before it, as in the files of `acme`. */
function onlyKey(pem: string): string {
  return /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]*?-----END \1-----/.exec(pem)?.[0] ?? pem;
}

/** The text of a file. Rejects with the path and why. */
export async function readPem(
  path: string,
  readText: (path: string) => Promise<string>,
): Promise<string> {
  let text: string;
  try {
    text = await readText(path);
  } catch (cause) {
    throw new Error(`cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
  if (text.length > FILE_CHARACTERS_MAX) throw new Error(`${path} is too large for a PEM file`);
  return text;
}

/** The certificates of a PEM file. Throws with the path when one cannot be read, or there are none. */
export function certificatesOf(path: string, pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new Error(`${path} holds no PEM certificate`);
  return blocks.map((block) => parse(path, block));
}

function parse(path: string, pem: string): X509Certificate {
  return attempt(`${path} holds no certificate that can be read`, () => new X509Certificate(pem));
}

function attempt<T>(message: string, act: () => T): T {
  try {
    return act();
  } catch (cause) {
    throw new Error(message, { cause });
  }
}

/** The engine reads the key for every handshake; an EC key of SEC 1 costs it 26 µs, one of PKCS #8 35 µs. */
function quickKey(key: KeyObject): string {
  const type = key.asymmetricKeyType === "ec" ? "sec1" : "pkcs8";
  return key.export({ type, format: "pem" }).toString();
}

const RSA_BITS_MIN = 2048;
/** Signature schemes by curve: RFC 8446 §4.2.3. */
const ECDSA_SCHEMES: Readonly<Record<string, readonly number[]>> = {
  prime256v1: [0x0403],
  "P-256": [0x0403],
  secp384r1: [0x0503],
  "P-384": [0x0503],
};
const RSA_SCHEMES = [0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];

function keyKind(
  certificate: X509Certificate,
): { readonly keyType: KeyType; readonly schemes: readonly number[] } | undefined {
  const { publicKey } = certificate;
  const details = publicKey.asymmetricKeyDetails ?? {};
  switch (publicKey.asymmetricKeyType) {
    case "rsa":
      return (details.modulusLength ?? 0) >= RSA_BITS_MIN
        ? { keyType: "rsa", schemes: RSA_SCHEMES }
        : undefined;
    case "ec": {
      const schemes = ECDSA_SCHEMES[details.namedCurve ?? ""];
      return schemes === undefined ? undefined : { keyType: "ecdsa", schemes };
    }
    // The suites of TLS 1.2 count Ed25519 as ECDSA (RFC 8422 §5.1).
    case "ed25519":
      return { keyType: "ecdsa", schemes: [0x0807] };
    default:
      return undefined;
  }
}

function namesOf(certificate: X509Certificate): string[] {
  const dns = subjectNames(certificate).filter((name) => name.startsWith("DNS:")).map((name) =>
    name.slice(4)
  );
  if (dns.length > 0) return dns;
  const common = /^CN=(.+)$/m.exec(certificate.subject)?.[1];
  return common === undefined || common.includes(" ") ? [] : [common];
}

/** The subject alternative names as `TYPE:value`; a value with a comma comes quoted, and is left so. */
export function subjectNames(certificate: X509Certificate): string[] {
  const text = certificate.subjectAltName ?? "";
  const parts = text.match(/(?:"(?:[^"\\]|\\.)*"|[^,"])+/g) ?? [];
  return parts.map((part) => part.trim().replace(/^IP Address:/, "IP:")).filter((part) => part !== "");
}
