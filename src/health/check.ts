import type { Clock, ConnectOptions, Dialer, Socket, Timers, TlsClientOptions } from "../core/ports.ts";
import type { HealthCheckConfig } from "./options.ts";

/** What one check is to try. */
export interface Probe {
  /** The target as configured, `host:port` or `unix:/path`. */
  readonly address: string;
  readonly endpoint: ConnectOptions["address"];
  readonly tls: TlsClientOptions | undefined;
  readonly options: HealthCheckConfig;
}

/** Opens a connection to the target, which whoever runs the check closes. */
export type Dial = (tls?: Partial<TlsClientOptions>) => Promise<Socket>;

/** One way to tell whether a target is well. */
export interface HealthCheckKind<Type extends string = string> {
  /** The word in the configuration. */
  readonly type: Type;
  /** One sentence for the reference page. */
  readonly summary: string;
  /** Time for one check in milliseconds, where it is not `timeout-secs`. */
  timeoutMs?(options: HealthCheckConfig): number;
  /**
   * Looks at the target. Rejects, with the reason, when it is not well; resolves with what people should know
   * of one that is, or nothing.
   */
  examine(dial: Dial, probe: Probe, clock: Clock): Promise<string | void>;
}

/** Outside world that checks need. */
export interface ProbePorts {
  readonly dialer: Dialer;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** Connections that one check may open. */
const CONNECTIONS_MAX = 64;

/** Runs one check within its time limit. Rejects with the reason when the target is not well. */
export async function runProbe(
  kind: HealthCheckKind,
  probe: Probe,
  ports: ProbePorts,
): Promise<string | undefined> {
  const timeoutMs = kind.timeoutMs?.(probe.options) ?? probe.options.timeoutSecs * 1000;
  const sockets: Socket[] = [];
  let timedOut = false;
  const cancel = ports.timers.after(timeoutMs, () => {
    timedOut = true;
    for (const socket of sockets) socket.close();
  });
  const { endpoint: address, tls } = probe;
  const dial: Dial = async (over) => {
    if (timedOut || sockets.length >= CONNECTIONS_MAX) throw new Error("no more connections");
    const socket = await ports.dialer.connect(
      tls === undefined ? { address, timeoutMs } : { address, tls: { ...tls, ...over }, timeoutMs },
    );
    sockets.push(socket);
    if (timedOut) throw new Error("the connection came too late");
    return socket;
  };
  try {
    return await kind.examine(dial, probe, ports.clock) ?? undefined;
  } catch (cause) {
    if (timedOut) throw new Error(`no answer within ${timeoutMs} ms`, { cause });
    throw cause;
  } finally {
    cancel();
    for (const socket of sockets) socket.close();
  }
}
