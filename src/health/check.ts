import type { ConnectOptions, Dialer, Socket, Timers, TlsClientOptions } from "../core/ports.ts";

/** How an upstream's targets are checked; the configuration's `health-check` block has this shape. */
export interface HealthCheckOptions {
  readonly type: string;
  readonly intervalSecs: number;
  readonly timeoutSecs: number;
  /** Good checks in a row that make an unhealthy target healthy. */
  readonly healthyThreshold: number;
  /** Bad checks in a row that make a target unhealthy. */
  readonly unhealthyThreshold: number;
  /** Request target of an http check. */
  readonly path: string;
  /** Ranges of statuses that count as healthy, both ends included. */
  readonly expectedStatus: readonly (readonly [from: number, to: number])[];
  /** Host header of an http check; absent means the target's address. */
  readonly host?: string | undefined;
}

/** What one check is to try. */
export interface Probe {
  /** The target as configured, `host:port` or `unix:/path`. */
  readonly address: string;
  readonly endpoint: ConnectOptions["address"];
  readonly tls: TlsClientOptions | undefined;
  readonly options: HealthCheckOptions;
}

/** One way to tell whether a target is well. */
export interface HealthCheckKind<Type extends string = string> {
  /** The word in the configuration. */
  readonly type: Type;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Looks at an open connection, which the caller closes. Rejects, with the reason, when it is not well. */
  examine(socket: Socket, probe: Probe): Promise<void>;
}

/** Outside world that checks need. */
export interface ProbePorts {
  readonly dialer: Dialer;
  readonly timers: Timers;
}

/** Runs one check within its time limit. Rejects with the reason when the target is not well. */
export async function runProbe(kind: HealthCheckKind, probe: Probe, ports: ProbePorts): Promise<void> {
  const timeoutMs = probe.options.timeoutSecs * 1000;
  let socket: Socket | undefined;
  let timedOut = false;
  const cancel = ports.timers.after(timeoutMs, () => {
    timedOut = true;
    socket?.close();
  });
  const { endpoint: address, tls } = probe;
  try {
    socket = await ports.dialer.connect(
      tls === undefined ? { address, timeoutMs } : { address, tls, timeoutMs },
    );
    if (!timedOut) await kind.examine(socket, probe);
    if (timedOut) throw new Error("the connection came too late");
  } catch (cause) {
    if (timedOut) throw new Error(`no answer within ${timeoutMs} ms`, { cause });
    throw cause;
  } finally {
    cancel();
    socket?.close();
  }
}
