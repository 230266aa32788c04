import type { HealthCheckKind } from "./check.ts";

/** Well is who accepts a connection, with TLS where the upstream has it. */
export const tcpCheck: HealthCheckKind<"tcp"> = {
  type: "tcp",
  summary: "The target accepts a connection.",
  async examine(dial) {
    await dial();
  },
};
