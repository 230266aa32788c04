/**
 * All kinds of active checks. To add one: write `src/health/<type>.ts` exporting a `HealthCheckKind`,
 * import it here and add its row. Its options are declared in `upstream/upstream.ts`.
 */

import type { HealthCheckKind } from "./check.ts";
import { httpCheck } from "./http.ts";
import { tcpCheck } from "./tcp.ts";

export const HEALTH_CHECKS = [
  httpCheck,
  tcpCheck,
] as const satisfies readonly HealthCheckKind[];
