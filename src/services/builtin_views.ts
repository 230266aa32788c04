/** What the builtin handlers show, in the form in which the engine hands it over and, for `config`, JSON shows it. */

import type { MaybePromise } from "../core/message.ts";
import type { MetricsSnapshot } from "../observe/metrics_snapshot.ts";

/** What only the whole process knows, all threads together. */
export interface BuiltinSources {
  processMetrics(): MaybePromise<MetricsSnapshot>;
}

/** An upstream as one thread sees it. */
export interface UpstreamView {
  readonly id: string;
  readonly loadBalancing: string;
  readonly targets: readonly TargetView[];
}

export interface TargetView {
  readonly address: string;
  readonly weight: number;
  readonly status: "healthy" | "unhealthy" | "unknown";
  /** Share of failed requests from 0 to 1, where it is measured. */
  readonly failureRate?: number | undefined;
  readonly lastError?: string | undefined;
}

/** A configuration as the `config` handler publishes it. Whoever builds it has removed the secrets. */
export interface ConfigSummary {
  readonly server: unknown;
  readonly listeners: readonly ListenerSummary[];
  readonly routes: readonly RouteSummary[];
  readonly upstreams: readonly unknown[];
  readonly agents: readonly unknown[];
  /** Ids. */
  readonly filters: readonly string[];
  readonly waf: unknown;
  readonly limits: unknown;
}

export interface ListenerSummary {
  readonly id: string;
  readonly address: string;
  readonly protocol: string;
  readonly default_route: string | null;
  readonly request_timeout_secs: number;
  readonly keepalive_timeout_secs: number;
  readonly tls_enabled: boolean;
}

export interface RouteSummary {
  readonly id: string;
  readonly priority: number;
  readonly matches: {
    readonly path: readonly string[];
    readonly pathPrefix: readonly string[];
    readonly pathRegex: readonly string[];
    readonly host: readonly string[];
  };
  readonly upstream: string | null;
  readonly service_type: string;
  readonly builtin_handler: string | null;
  readonly filters: readonly string[];
  readonly waf_enabled: boolean;
}
