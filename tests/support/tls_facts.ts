import type { ClientCertificate, TlsFacts } from "../../src/core/tls.ts";

/** A client's certificate that is believed. */
export const CLIENT: ClientCertificate = {
  problem: "",
  subject: "CN=client,O=Example",
  issuer: "CN=Example CA",
  names: ["DNS:client.example", "URI:spiffe://example/client"],
  serial: "0a1b",
  fingerprint: "ab".repeat(32),
  der: Uint8Array.of(48, 0),
};

/** A connection with it. */
export const TLS_FACTS: TlsFacts = {
  version: "TLSv1.3",
  cipher: "TLS_AES_128_GCM_SHA256",
  serverName: "www.example",
  protocol: "http/1.1",
  resumed: false,
  client: CLIENT,
};
