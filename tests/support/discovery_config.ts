/** A whole configuration around an upstream whose targets are found. */

/** What differs between two of them. */
export interface DiscoveryWishes {
  readonly port: number;
  readonly adminPort: number;
  /** Lines inside the `upstream` block. */
  readonly upstream: string;
  readonly workers?: number;
  /** Set as a response header, so that a client sees which configuration answered. */
  readonly mark?: string;
}

/** Proxies everything to one upstream; the log tells of changes. */
export function discoveryConfig(
  { port, adminPort, upstream, workers = 1, mark = "one" }: DiscoveryWishes,
): string {
  return `system {
    worker-threads ${workers}
    graceful-shutdown-timeout-secs 5
}
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes {
    route "all" {
        priority "low"
        matches { path-prefix "/"; }
        upstream "found"
        policies { response-headers { set { X-Mark "${mark}"; }; }; }
    }
}
upstreams {
    upstream "found" {
        ${upstream}
    }
}
observability {
    metrics { address "127.0.0.1:${adminPort}"; }
    logging { level "info"; format "text"; error-log { enabled #false; }; }
}
`;
}
