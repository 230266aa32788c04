/** What kind of key a certificate has. */
export type KeyType = "ecdsa" | "rsa";

/** A cipher suite that can be had. */
export interface CipherSuite {
  /** IANA name. */
  readonly name: string;
  /** IANA number. */
  readonly id: number;
  readonly version: "1.2" | "1.3";
  /** Kind of certificate it needs; null with TLS 1.3, whose suites do not say. */
  readonly keyType: KeyType | null;
}

/** All suites, AEAD with forward secrecy only (RFC 9325 §4.2). To add one, the engine must know it. */
export const CIPHER_SUITES: readonly CipherSuite[] = [
  { name: "TLS_AES_256_GCM_SHA384", id: 0x1302, version: "1.3", keyType: null },
  { name: "TLS_AES_128_GCM_SHA256", id: 0x1301, version: "1.3", keyType: null },
  { name: "TLS_CHACHA20_POLY1305_SHA256", id: 0x1303, version: "1.3", keyType: null },
  { name: "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", id: 0xc02c, version: "1.2", keyType: "ecdsa" },
  { name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", id: 0xc02b, version: "1.2", keyType: "ecdsa" },
  { name: "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", id: 0xcca9, version: "1.2", keyType: "ecdsa" },
  { name: "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", id: 0xc030, version: "1.2", keyType: "rsa" },
  { name: "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", id: 0xc02f, version: "1.2", keyType: "rsa" },
  { name: "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", id: 0xcca8, version: "1.2", keyType: "rsa" },
];

const BY_ID: ReadonlyMap<number, CipherSuite> = new Map(CIPHER_SUITES.map((suite) => [suite.id, suite]));

/** The suite of a number, or undefined when it is none of ours. */
export function cipherSuite(id: number): CipherSuite | undefined {
  return BY_ID.get(id);
}

/** The suite of a name in any spelling: case, and `-` for `_`, do not matter. */
export function cipherSuiteNamed(text: string): CipherSuite | undefined {
  const name = text.toUpperCase().replaceAll("-", "_");
  return CIPHER_SUITES.find((suite) => suite.name === name);
}
