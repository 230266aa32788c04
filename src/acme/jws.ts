/** JSON web signatures in the flattened form that RFC 8555 §6.2 asks for (RFC 7515 §7.2.2). */

import { base64Url, type Bytes, utf8 } from "./bytes.ts";
import { KEY_TYPES, type SigningKey } from "./x509/key.ts";

/** Who signs: a known account by its URL, or, until there is one, the key itself. */
export type Signer = { readonly kid: string } | { readonly jwk: Readonly<Record<string, string>> };

/** What is signed. */
export interface JwsInit {
  readonly key: SigningKey;
  readonly signer: Signer;
  readonly url: string;
  readonly nonce: string;
  /** Undefined is the empty payload of a POST that only reads (RFC 8555 §6.3). */
  readonly payload: unknown;
}

/** The body of a signed request. */
export async function signedBody({ key, signer, url, nonce, payload }: JwsInit): Promise<string> {
  const header = base64Url(utf8(JSON.stringify({ alg: KEY_TYPES[key.type].jws, ...signer, nonce, url })));
  const body = payload === undefined ? "" : base64Url(utf8(JSON.stringify(payload)));
  const signature = base64Url(await key.sign(utf8(`${header}.${body}`)));
  return JSON.stringify({ protected: header, payload: body, signature });
}

/** Binds a new account to one that its holder has with the authority otherwise (RFC 8555 §7.3.4). */
export async function externalBinding(binding: {
  readonly kid: string;
  readonly hmacKey: Bytes;
  readonly url: string;
  readonly jwk: Readonly<Record<string, string>>;
}): Promise<Readonly<Record<string, string>>> {
  const { kid, hmacKey, url, jwk } = binding;
  const header = base64Url(utf8(JSON.stringify({ alg: "HS256", kid, url })));
  const payload = base64Url(utf8(JSON.stringify(jwk)));
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", hmacKey, algorithm, false, ["sign"]);
  const signature = await crypto.subtle.sign("HMAC", key, utf8(`${header}.${payload}`));
  return { protected: header, payload, signature: base64Url(new Uint8Array(signature)) };
}

/** What proves that a token was seen by the holder of the account's key (RFC 8555 §8.1, RFC 7638). */
export async function keyAuthorization(key: SigningKey, token: string): Promise<string> {
  const thumbprint = await crypto.subtle.digest("SHA-256", utf8(JSON.stringify(await key.publicJwk())));
  return `${token}.${base64Url(new Uint8Array(thumbprint))}`;
}

/** What stands in a TXT record as the proof (RFC 8555 §8.4). */
export async function dnsProof(keyAuthorization: string): Promise<string> {
  return base64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(keyAuthorization))));
}
