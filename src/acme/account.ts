import type { Log } from "../core/ports.ts";
import { AcmeError } from "./acme_error.ts";
import type { Bytes } from "./bytes.ts";
import type { AcmeClient } from "./client.ts";
import { externalBinding } from "./jws.ts";

/** What an account is to have. */
export interface AccountWish {
  readonly email: string;
  readonly binding: { readonly kid: string; readonly hmacKey: Bytes } | undefined;
  /** What is known of it already. */
  readonly known: { readonly url: string; readonly email: string } | undefined;
  readonly log: Log;
}

/**
 * Finds or makes the account of the client's key, and signs as it from then on (RFC 8555 §7.3). Resolves
 * with its URL. Terms of service are agreed to: asking for a certificate is what they are about.
 */
export async function enterAccount(client: AcmeClient, wish: AccountWish): Promise<string> {
  const { email, known } = wish;
  if (known === undefined) return await register(client, wish);
  client.signAs(known.url);
  if (known.email === email) return known.url;
  try {
    await client.post(known.url, { contact: [`mailto:${email}`] });
    return known.url;
  } catch (cause) {
    if (!isGone(cause)) throw cause;
    return await register(client, wish);
  }
}

/** Whether an authority says that it does not know the account (any more). */
export function isGone(cause: unknown): boolean {
  return cause instanceof AcmeError && cause.problem === "accountDoesNotExist";
}

async function register(client: AcmeClient, { email, binding, log }: AccountWish): Promise<string> {
  const { newAccount, termsOfService, externalAccountRequired } = await client.directory();
  if (externalAccountRequired && binding === undefined) {
    const hint = "give the credentials it gave you: eab { kid …; hmac-key … }";
    throw new AcmeError("account", `the authority wants accounts to be bound to one of its own; ${hint}`);
  }
  client.signAs(undefined);
  const bound = binding === undefined ? {} : {
    externalAccountBinding: await externalBinding({
      ...binding,
      url: newAccount,
      jwk: await client.key.publicJwk(),
    }),
  };
  const payload = { termsOfServiceAgreed: true, contact: [`mailto:${email}`], ...bound };
  const { location, status } = await client.post(newAccount, payload);
  if (location === undefined) throw new AcmeError("protocol", "a new account came without its URL");
  client.signAs(location);
  log("info", status === 201 ? "ACME account registered" : "ACME account found", {
    account: location,
    ...(termsOfService === undefined ? {} : { termsOfService }),
  });
  return location;
}
