import type { AcmePorts } from "./ports.ts";
import type { StoredCertificate } from "./store.ts";
import { readChain } from "./x509/certificate.ts";
import { SigningKey } from "./x509/key.ts";
import { selfSigned } from "./x509/request.ts";

const ISSUER = "Sentinel stand-in";
const LIFETIME_MS = 365 * 86_400_000;

/** A self-signed certificate for these names, so that listeners are up while the first order runs. */
export async function makeStandIn(
  domains: readonly string[],
  { random, clock }: Pick<AcmePorts, "random" | "clock">,
): Promise<StoredCertificate> {
  // Everybody can use this kind of key, and it is made in a moment.
  const key = await SigningKey.generate("ecdsa-p256");
  const words = Uint32Array.from({ length: 4 }, () => random.u32());
  const chain = await selfSigned({
    key,
    domains,
    issuer: ISSUER,
    wallMs: clock.wallMs(),
    lifetimeMs: LIFETIME_MS,
    serial: new Uint8Array(words.buffer),
  });
  return { chain, key, facts: readChain(chain), directory: undefined };
}

/** Whether a certificate is one of those. */
export function isStandIn({ facts }: Pick<StoredCertificate, "facts">): boolean {
  return facts.isSelfIssued && facts.issuer === ISSUER;
}
