import type { MetricsRegistry } from "./metrics.ts";

/** How certificates from authorities are doing; their names are those of the configuration. */
export function acmeFamilies(registry: MetricsRegistry) {
  return {
    acmeExpiry: registry.gauge({
      name: "sentinel_acme_certificate_expiry_timestamp_seconds",
      help: "When a certificate from an authority ends, Unix time.",
      labels: ["certificate"],
      merge: "max",
    }),
    acmeNextAttempt: registry.gauge({
      name: "sentinel_acme_next_attempt_timestamp_seconds",
      help: "When a certificate is renewed, or tried again, Unix time.",
      labels: ["certificate"],
      merge: "max",
    }),
    acmeLastSuccess: registry.gauge({
      name: "sentinel_acme_last_success_timestamp_seconds",
      help: "When a certificate was last issued to this process, Unix time.",
      labels: ["certificate"],
      merge: "max",
    }),
    acmeStandIn: registry.gauge({
      name: "sentinel_acme_stand_in",
      help: "1 while a self-signed certificate stands in for one that was never issued.",
      labels: ["certificate"],
      merge: "max",
    }),
    acmeIssued: registry.counter({
      name: "sentinel_acme_certificates_issued_total",
      help: "Certificates that authorities have issued.",
      labels: ["certificate"],
    }),
    acmeFailures: registry.counter({
      name: "sentinel_acme_failures_total",
      help: "Attempts at a certificate that failed, by why.",
      labels: ["certificate", "reason"],
    }),
  };
}
