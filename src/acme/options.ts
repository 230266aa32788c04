/** The `acme` block of a listener: where certificates come from, and how names are proven. */

import { variant } from "../core/named_blocks.ts";
import { block, flag, type Infer, integer, oneOf, text, texts } from "../core/schema.ts";
import { fromBase64Url } from "./bytes.ts";
import { DNS_PROVIDERS } from "./dns/registry.ts";
import { asciiDomains, checkDomain, DOMAINS_MAX } from "./names.ts";

/** Where certificates are got when nothing else is configured. */
export const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";
export const LETS_ENCRYPT_STAGING = "https://acme-staging-v02.api.letsencrypt.org/directory";

const eab = block({
  summary: "Binds the account to one that you have with the authority otherwise.",
  aliases: ["external-account-binding"],
  fields: {
    kid: text({ summary: "Identifier of the key that the authority gave you.", required: true }),
    hmacKey: text({
      summary: "The key, in base64url.",
      required: true,
      check: (value) => (fromBase64Url(value)?.length ?? 0) >= 8 ? undefined : "must be a key in base64url",
    }),
  },
});

/** Certificates from an authority that speaks ACME (RFC 8555). */
export const acme = block({
  summary: "Certificates from an authority that speaks ACME (RFC 8555), renewed before they expire.",
  fields: {
    email: text({
      summary: "Where the authority writes to.",
      required: true,
      check: (value) => /^[^\s@,<>?]+@[^\s@,<>?]+$/.test(value) ? undefined : "must be an e-mail address",
      example: "ops@example.org",
    }),
    domains: texts({
      summary:
        `Names of the certificate, at most ${DOMAINS_MAX}; the first names its folder. With "*.", by dns-01 alone.`,
      aliases: ["domain"],
      check: checkDomain,
      example: "example.org",
    }),
    serverUrl: text({
      summary: "Directory of the authority; left out, Let's Encrypt.",
      aliases: ["directory-url"],
      check: checkDirectory,
      example: LETS_ENCRYPT,
    }),
    caFile: text({
      summary: "PEM file of authorities trusted for HTTPS to the directory, beside the system's.",
      aliases: ["ca-cert"],
    }),
    staging: flag({
      summary: "Let's Encrypt's directory for trials; nobody trusts its certificates.",
      default: false,
    }),
    eab,
    storage: text({
      summary:
        "Folder of the account's key and the certificates. Processes that share it order once; an HTTP-01 proof is given by the one that orders, so behind a load balancer use dns-01.",
      default: "/var/lib/sentinel/acme",
    }),
    renewBeforeDays: integer({
      summary: "Renew this long before a certificate expires; at most a third of its time.",
      min: 1,
      max: 365,
      default: 30,
    }),
    challengeType: oneOf({
      summary: "How names are proven: over plain HTTP on port 80, or by a DNS record.",
      aliases: ["challenge"],
      values: { "http-01": ["http01", "http"], "dns-01": ["dns01", "dns"] },
      unavailable: { "tls-alpn-01": ["tls-alpn", "tlsalpn01"] },
      default: "http-01",
    }),
    keyType: oneOf({
      summary: "Key of the certificate.",
      values: {
        "ecdsa-p256": ["p256", "ecdsa"],
        "ecdsa-p384": ["p384"],
        "rsa-2048": ["rsa2048", "rsa"],
        "rsa-4096": ["rsa4096"],
      },
      default: "ecdsa-p256",
    }),
    dnsProvider: variant({ summary: "How DNS records are written, for dns-01.", kinds: DNS_PROVIDERS }),
  },
  check(value, report) {
    const { domains, challengeType, dnsProvider, serverUrl, staging } = value;
    if (domains.length === 0) report("domains", `"acme" needs at least one name in "domains"`);
    if (asciiDomains(domains).length > DOMAINS_MAX) {
      report(
        "domains",
        `one certificate has at most ${DOMAINS_MAX} names`,
        "divide them over several sni blocks",
      );
    }
    const wildcard = domains.find((domain) => domain.startsWith("*."));
    if (challengeType === "http-01") {
      if (wildcard !== undefined) {
        const hint = 'set challenge-type "dns-01" and a dns-provider';
        report("domains", `"${wildcard}" cannot be proven over HTTP`, hint);
      }
      if (dnsProvider !== undefined) {
        report("dnsProvider", `"dns-provider" is of no use with http-01`, 'set challenge-type "dns-01"');
      }
    } else if (dnsProvider === undefined) {
      const types = DNS_PROVIDERS.map(({ type }) => type).join(", ");
      report("challengeType", `dns-01 needs a "dns-provider"`, `known: ${types}`);
    }
    if (serverUrl !== undefined && staging) {
      report("staging", `"staging" and "server-url" exclude each other`, "remove one of them");
    }
  },
});

/** Certificates from an authority, defaults filled in. */
export type AcmeOptions = NonNullable<Infer<typeof acme>>;

/** The directory that is asked. */
export function directoryOf({ serverUrl, staging }: Pick<AcmeOptions, "serverUrl" | "staging">): string {
  return serverUrl ?? (staging ? LETS_ENCRYPT_STAGING : LETS_ENCRYPT);
}

/** RFC 8555 §6.1: HTTPS; without it only this very machine may be asked, for trials. */
function checkDirectory(written: string): string | undefined {
  if (!/^https?:\/\/[!-~]+$/.test(written) || !URL.canParse(written)) {
    return `must be a URL such as "${LETS_ENCRYPT}", found "${written}"`;
  }
  const { protocol, hostname, username, password } = new URL(written);
  if (username !== "" || password !== "") return "must not hold a user or a password";
  const isLocal = hostname === "localhost" || hostname === "[::1]" || /^127\./.test(hostname);
  return protocol === "https:" || isLocal ? undefined : "must be https, but on this machine";
}
