/** Configurations for tests that change them while they are served. */

/** What differs between two of them. */
export interface ReloadConfig {
  readonly port: number;
  readonly adminPort: number;
  readonly originPort: number;
  /** Set as a response header, so that a client sees which configuration answered. */
  readonly mark: string;
  readonly workers?: number;
  /** Lines for `system { }`. */
  readonly system?: string;
  /** Lines for `logging { }`. */
  readonly logging?: string;
}

/** Proxies everything to the origin and marks the responses. */
export function reloadConfig(wishes: ReloadConfig): string {
  return `system {
    worker-threads ${wishes.workers ?? 2}
    graceful-shutdown-timeout-secs 10
    ${wishes.system ?? ""}
}
listeners {
    listener "main" {
        address "127.0.0.1:${wishes.port}"
    }
}
routes {
    route "all" {
        priority "low"
        matches { path-prefix "/"; }
        upstream "origin"
        policies {
            response-headers { set { X-Mark "${wishes.mark}"; }; }
        }
    }
}
upstreams {
    upstream "origin" {
        target "127.0.0.1:${wishes.originPort}"
    }
}
observability {
    metrics { address "127.0.0.1:${wishes.adminPort}"; }
    logging {
        level "info"
        format "text"
        error-log { enabled #false; }
        ${wishes.logging ?? ""}
    }
}
`;
}
