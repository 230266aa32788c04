import type { DnsProviderKind } from "./provider.ts";
import { DNS_PROVIDERS } from "./registry.ts";

/** The kind of a name that the configuration accepted. Its options are what it read, whatever their type. */
export function findDnsProvider(type: string): DnsProviderKind {
  const kind = DNS_PROVIDERS.find((one) => one.type === type);
  if (kind === undefined) throw new Error(`Unchecked configuration: dns-provider "${type}" is unknown`);
  return kind;
}
