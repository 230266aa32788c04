/**
 * All ways to find targets. To add one: write `src/discovery/<type_in_snake_case>.ts` exporting a
 * `DiscoveryKind`, import it here and add its row. Reading, checking, the reference page and the contract
 * test follow from the row.
 */

import { consul } from "./consul.ts";
import type { DiscoveryKind } from "./discovery.ts";
import { dns } from "./dns.ts";
import { dnsSrv } from "./dns_srv.ts";
import { etcd } from "./etcd.ts";
import { file } from "./file.ts";
import { kubernetes } from "./kubernetes.ts";
import { staticList } from "./static_list.ts";

export const DISCOVERIES = [
  staticList,
  dns,
  dnsSrv,
  file,
  consul,
  kubernetes,
  etcd,
] as const satisfies readonly DiscoveryKind[];
