/** Options that every way to find targets has, and pieces that several share. */

import { block, duration, integer, oneOf, text, texts } from "../core/schema.ts";
import type { BlockValue, Fields, Report, Schema } from "../core/schema.ts";
import { parseEndpoint } from "../core/address.ts";

/** Targets of one upstream, whatever the options say. */
export const TARGETS_MAX = 10_000;

const common = {
  onEmpty: oneOf({
    summary: "What an answer without any target means: `keep` the last ones, or `apply` it and have none.",
    values: { keep: [], apply: [] },
    default: "keep",
  }),
  initialWaitSecs: duration({
    summary: "How long a start or reload waits for the first answer; then it goes on with what there is.",
    aliases: ["initial-wait", "initial-timeout"],
    unit: "s",
    min: 0,
    max: 60,
    default: 5,
  }),
  maxTargets: integer({
    summary: "An answer with more targets is refused as a whole, and the last one stays.",
    min: 1,
    max: TARGETS_MAX,
    default: 1000,
  }),
} as const;

/** What every way to find targets is told. */
export type CommonOptions = BlockValue<typeof common>;

/** The options of one way to find targets, the common ones among them. */
export function discoveryOptions<const F extends Fields>(
  fields: F,
  check?: (value: BlockValue<F>, report: Report) => void,
): Schema<BlockValue<F & typeof common>> {
  const all = { ...fields, ...common };
  // The check sees the common options too, which it does not know of.
  const checked = check === undefined ? {} : { check: check as never };
  const options = { summary: "How targets are found.", always: true as const, fields: all, ...checked };
  return block(options) as unknown as Schema<BlockValue<F & typeof common>>;
}

/** PEM files for HTTPS to where targets are looked up. */
export const tlsFields = {
  caCert: text({
    summary: "PEM file of authorities trusted beside the system's; read anew when it is used.",
    aliases: ["ca-file", "ca"],
  }),
  clientCert: text({ summary: "PEM file of our certificate.", aliases: ["cert-file"] }),
  clientKey: text({ summary: "PEM file of our key.", aliases: ["key-file"] }),
} as const;

/** Refuses half of a pair of certificate and key. */
export function checkTlsFields(
  value: { readonly clientCert?: string | undefined; readonly clientKey?: string | undefined },
  report: Report,
): void {
  if ((value.clientCert === undefined) === (value.clientKey === undefined)) return;
  const [has, lacks] = value.clientCert === undefined
    ? ["clientKey", "client-cert"]
    : ["clientCert", "client-key"];
  report(has!, `"discovery" needs "${lacks}" too`);
}

/** Servers asked instead of the system's. */
export const resolverField = texts({
  summary: "DNS servers asked instead of those in /etc/resolv.conf, in this order.",
  aliases: ["resolvers", "nameserver", "nameservers"],
  check: checkResolver,
  example: "127.0.0.53:53",
});

/** Reads `1.2.3.4`, `1.2.3.4:53`, `[::1]:53` or `::1`; undefined when it is no address of a server. */
export function parseResolver(written: string): { readonly ip: string; readonly port: number } | undefined {
  const hasPort = /^\[.*\]:\d+$/.test(written) || /^[0-9.]+:\d+$/.test(written);
  const bare = written.includes(":") && !written.startsWith("[") ? `[${written}]` : written;
  const endpoint = parseEndpoint(hasPort ? written : `${bare}:53`);
  if (typeof endpoint === "string" || endpoint.type !== "ip") return undefined;
  // Addresses with a zone (fe80::1%eth0) mean something on one machine only.
  const isIp = !endpoint.host.includes("%") &&
    (endpoint.host.includes(":") || /^[0-9.]+$/.test(endpoint.host));
  return isIp ? { ip: endpoint.host, port: endpoint.port } : undefined;
}

function checkResolver(written: string): string | undefined {
  if (parseResolver(written) !== undefined) return undefined;
  return `must be the IP address of a DNS server such as "10.0.0.2:53", found "${written}"`;
}

/** Checks the base of URLs: `http://` or `https://`, no user, query or fragment. */
export function checkBaseUrl(written: string): string | undefined {
  const wrong = `must be a URL such as "http://127.0.0.1:8500", found "${written}"`;
  if (!/^https?:\/\/[!-~]+$/.test(written) || !URL.canParse(written)) return wrong;
  const { username, password, search, hash } = new URL(written);
  if (username !== "" || password !== "") return "must not hold a user or a password";
  return search === "" && hash === "" && !/[?#]/.test(written) ? undefined : wrong;
}

/** Whether secrets may go there: over TLS, or to this machine. */
export function mayCarrySecrets(url: string): boolean {
  if (!URL.canParse(url)) return true;
  const { protocol, hostname } = new URL(url);
  return protocol === "https:" || /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/** A URL below a base, which may end in a slash or not. */
export function urlBelow(base: string, path: string, query: readonly (readonly [string, string])[]): string {
  const parameters = query.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  return `${base.replace(/\/+$/, "")}${path}${parameters === "" ? "" : `?${parameters}`}`;
}
