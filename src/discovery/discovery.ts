import type { ConfigNode } from "../core/config_node.ts";
import type { Issue } from "../core/issue.ts";
import type { Clock, Dialer, Log, Random, Timers } from "../core/ports.ts";
import type { Schema } from "../core/schema.ts";

/** A place requests can go to, as a source of targets told it. */
export interface DiscoveredTarget {
  /** `host:port` or `[IPv6]:port`; `unix:/path` from sources on this machine. */
  readonly address: string;
  /** Share of requests, 0 to 1,000,000; 0 means none. */
  readonly weight: number;
  /** 0 is used first; a higher number only when nothing of a lower one is fit. */
  readonly priority?: number | undefined;
  /** Where it runs, for balancing by locality. */
  readonly zone?: string | undefined;
}

/** What a source said. */
export interface Answer {
  /** In any order; doubles and bad entries are sorted out by whoever asked. */
  readonly targets: readonly DiscoveredTarget[];
  /** When to ask again. 0 from sources whose next answer waits for a change by itself. */
  readonly againAfterMs: number;
  /** Entries the source left out because they made no sense, and what was wrong with the first. */
  readonly rejected?: { readonly count: number; readonly first: string } | undefined;
}

/** One source of targets at work. Not shared, and never asked twice at a time. */
export interface Finder {
  /**
   * The next answer; sources that can tell of changes wait for one. Rejects, with a message for people,
   * when there is none, and soon after `signal` is aborted.
   */
  next(signal: AbortSignal): Promise<Answer>;
  /** Gives back connections and watches. Nothing is asked afterwards. */
  close(): void;
}

/** A way to find targets: one file and one row in the registry. */
export interface DiscoveryKind<Type extends string = string, Options = unknown> {
  /** The word in the configuration. */
  readonly type: Type;
  readonly aliases?: readonly string[];
  /** One sentence for the reference page. */
  readonly summary: string;
  readonly options: Schema<Options>;
  /**
   * What is looked up, in words: for logs and status pages, and to tell whether a changed configuration
   * still asks for the same targets.
   */
  subject(options: Options): string;
  /** The name that certificates of its targets are for, where the source knows one. */
  serverName?(options: Options): string | undefined;
  create(options: Options, ports: DiscoveryPorts): Finder;
}

/** A failure that says itself when it is worth asking again. */
export class DiscoveryError extends Error {
  override readonly name = "DiscoveryError";
  /** Undefined leaves it to the usual growing pause. */
  readonly againAfterMs: number | undefined;

  constructor(message: string, options: { readonly againAfterMs?: number; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.againAfterMs = options.againAfterMs;
  }
}

/** A DNS server: an IP address and a port. */
export interface DnsServer {
  readonly ip: string;
  readonly port: number;
}

/** Datagrams to DNS servers. */
export interface DatagramPort {
  /**
   * Sends one datagram from a fresh port and shows every datagram that comes back from exactly that server
   * to `accept`, until it returns true. Rejects after `timeoutMs`.
   */
  exchange(request: {
    readonly server: DnsServer;
    readonly bytes: Uint8Array;
    readonly timeoutMs: number;
    readonly accept: (reply: Uint8Array) => boolean;
  }): Promise<void>;
}

/** An HTTP request of a source. Redirections are never followed. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body?: string | undefined;
  /** Until the response head. */
  readonly headTimeoutMs: number;
  /** Without a byte of the body. */
  readonly idleTimeoutMs: number;
  /** PEM files; authorities are trusted beside the system's. */
  readonly tls?: HttpTls | undefined;
  readonly signal: AbortSignal;
}

/** PEM files for HTTPS, read anew for every request. */
export interface HttpTls {
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** The answer to a source's request. One of `text` and `lines` may be called, once; `close` always must. */
export interface HttpAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  /** The whole body. Rejects past `bytesMax`. */
  text(bytesMax: number): Promise<string>;
  /** Lines as they come, all complete ones of one read at once. Ends with the body; rejects past `lineBytesMax`. */
  lines(lineBytesMax: number): AsyncIterableIterator<readonly string[]>;
  /** Safe to call twice. */
  close(): void;
}

/** Sends requests. Rejects with a message for people. */
export interface HttpPort {
  (request: HttpRequest): Promise<HttpAnswer>;
}

/** Files that sources read. */
export interface FilePort {
  /** UTF-8 text. Rejects when it cannot be read or is longer than `bytesMax`. */
  readText(path: string, bytesMax: number): Promise<string>;
  /** Calls `changed` when the file may have changed; the result ends that. */
  watch(path: string, changed: () => void): () => void;
}

/** The outside world, as sources of targets see it. */
export interface DiscoveryPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly dialer: Dialer;
  readonly datagrams: DatagramPort;
  readonly http: HttpPort;
  readonly files: FilePort;
  /** Parses a text of the configuration language by its name's ending. */
  parse(text: string, fileName: string): {
    readonly nodes: readonly ConfigNode[];
    readonly issues: readonly Issue[];
  };
}
