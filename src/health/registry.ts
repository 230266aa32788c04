/**
 * All kinds of active checks. To add one: write `src/health/<type>.ts` exporting a `HealthCheckKind`,
 * import it here and add its row, and its name to `CHECK_TYPES` in `options.ts`, where its options are declared.
 */

import type { HealthCheckKind } from "./check.ts";
import { grpcCheck } from "./grpc.ts";
import { httpCheck } from "./http.ts";
import { inferenceCheck } from "./inference.ts";
import { tcpCheck } from "./tcp.ts";

export const HEALTH_CHECKS = [
  grpcCheck,
  httpCheck,
  inferenceCheck,
  tcpCheck,
] as const satisfies readonly HealthCheckKind[];
