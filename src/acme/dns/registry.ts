/**
 * All ways to write DNS records. To add one: write `src/acme/dns/<type_in_snake_case>.ts` exporting a
 * `DnsProviderKind`, import it here and add its row. Reading, checking and the reference page follow from the
 * row; the contract test asks for a server to try it against.
 */

import { cloudflare } from "./cloudflare.ts";
import { hetzner } from "./hetzner.ts";
import type { DnsProviderKind } from "./provider.ts";
import { rfc2136 } from "./rfc2136.ts";
import { webhook } from "./webhook.ts";

export const DNS_PROVIDERS = [
  webhook,
  cloudflare,
  hetzner,
  rfc2136,
] as const satisfies readonly DnsProviderKind[];
