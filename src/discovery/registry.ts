/**
 * All ways to find targets. To add one: write `src/discovery/<type_in_snake_case>.ts` exporting a
 * `DiscoveryKind`, import it here and add its row. Reading, checking, the reference page and the contract
 * test follow from the row.
 */

import type { DiscoveryKind } from "./discovery.ts";
import { dns } from "./dns.ts";
import { dnsSrv } from "./dns_srv.ts";
import { staticList } from "./static_list.ts";

export const DISCOVERIES = [
  staticList,
  dns,
  dnsSrv,
] as const satisfies readonly DiscoveryKind[];
