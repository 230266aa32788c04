import { isHostName } from "../core/address.ts";

/** Names of one certificate; the large public authorities allow as many. */
export const DOMAINS_MAX = 100;

/**
 * A domain as certificates have it: lower case, in ASCII (punycode, by the rules that browsers have), without
 * the dot at the end; a leading `*.` stays. Undefined when it is no name a certificate can be for.
 */
export function asciiDomain(written: string): string | undefined {
  const isWildcard = written.startsWith("*.");
  const bare = (isWildcard ? written.slice(2) : written).replace(/\.$/, "");
  if (bare === "" || /[/?#@:\\%\s*[\]]/.test(bare) || !URL.canParse(`http://${bare}/`)) return undefined;
  const host = new URL(`http://${bare}/`).hostname;
  // What URLs take for an IP address is none of our names.
  if (/^[0-9.]+$/.test(host) || host.includes("_") || !isHostName(host)) return undefined;
  const domain = isWildcard ? `*.${host}` : host;
  return domain.length > 253 ? undefined : domain;
}

/** As `asciiDomain` for a list that was checked; doubles are left out. */
export function asciiDomains(written: readonly string[]): readonly string[] {
  return [...new Set(written.flatMap((domain) => asciiDomain(domain) ?? []))];
}

/** What is wrong with a domain of the configuration, completing `"domains" …`, or undefined when nothing is. */
export function checkDomain(written: string): string | undefined {
  if (asciiDomain(written) !== undefined) return undefined;
  return `must be a host name such as "example.org" or "*.example.org", found "${written}"`;
}

/** The folder of a certificate by its first name. */
export function folderOf(domain: string): string {
  // Host names have no underscore, so nothing else has this name.
  return domain.startsWith("*.") ? `_wildcard.${domain.slice(2)}` : domain;
}
