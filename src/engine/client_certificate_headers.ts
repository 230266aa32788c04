import type { RequestContext } from "../core/context.ts";

/** What upstreams are told of a client's certificate, and what they get of nobody else. */
const VERIFY = "X-Client-Cert-Verify";
const SUBJECT = "X-Client-Cert-Subject";
const ISSUER = "X-Client-Cert-Issuer";
const NAMES = "X-Client-Cert-Names";
const SERIAL = "X-Client-Cert-Serial";
const FINGERPRINT = "X-Client-Cert-Fingerprint";

/** In lower case, with `-` for `_`: servers that hand headers on as variables take them for the same. */
const OURS: ReadonlySet<string> = new Set(
  [VERIFY, SUBJECT, ISSUER, NAMES, SERIAL, FINGERPRINT].map((name) => name.toLowerCase()),
);

/** Longest list of alternative names that is told; a certificate could hold any number. */
const NAMES_CHARACTERS_MAX = 2048;

/**
 * What a listener does where any listener tells upstreams of client certificates: tell, or drop what looks as if
 * it were told. A trusted peer's word counts on listeners that do not ask for certificates themselves.
 */
export type ClientCertificateHeaders = "tell" | "drop";

/** Drops the client's own headers of these names, and adds what the handshake found out. */
export function tellClientCertificate(context: RequestContext, how: ClientCertificateHeaders): void {
  const { headers } = context.head;
  if (how === "drop" && context.downstream.peerTrusted) return;
  let kept = 0;
  for (let i = 0; i < headers.size; i++) {
    if (!isOurs(headers.keyAt(i))) headers.move(i, kept++);
  }
  headers.truncate(kept);
  if (how === "drop") return;
  const client = context.downstream.tls?.client ?? null;
  if (client === null) return headers.append(VERIFY, "none");
  // Of a certificate that is not believed nothing is told that could be mistaken for a fact.
  if (client.problem !== "") return headers.append(VERIFY, `failed:${client.problem}`);
  headers.append(VERIFY, "success");
  headers.append(SUBJECT, client.subject);
  headers.append(ISSUER, client.issuer);
  const names = client.names.join(",");
  if (names !== "" && names.length <= NAMES_CHARACTERS_MAX) headers.append(NAMES, names);
  headers.append(SERIAL, client.serial);
  headers.append(FINGERPRINT, client.fingerprint);
}

function isOurs(key: string): boolean {
  // Nearly all headers are told apart by their first letters.
  if (!key.startsWith("x-c") && !key.startsWith("x_c")) return false;
  return OURS.has(key.replaceAll("_", "-"));
}
