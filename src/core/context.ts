import type { ErrorCode } from "./errors.ts";
import type { Body, RequestHead } from "./message.ts";
import type { TlsFacts } from "./tls.ts";
import type { Trace } from "./trace.ts";
import type { Upgrade } from "./upgrade.ts";
import type { RuleFindings } from "./rule_findings.ts";

/** Who is at the other end of a downstream connection, and through which listener they came. */
export interface Downstream {
  readonly listenerId: string;
  /** Namespace whose routes alone this listener serves; undefined means the global ones. */
  readonly namespace: string | undefined;
  readonly scheme: "http" | "https";
  /** What the handshake settled; null without TLS. */
  readonly tls: TlsFacts | null;
  /** Port the listener is bound to; 0 for Unix sockets. */
  readonly localPort: number;
  /** Address of the TCP peer, or the one a trusted PROXY header named. Empty for Unix sockets. */
  readonly peerIp: string;
  readonly peerPort: number;
  /** True when the peer is in `trusted-proxies`, so that its forwarding headers are believed. */
  readonly peerTrusted: boolean;
  /** Requests served on this connection before this one. */
  requestsServed: number;
  /** What an upstream is told of this connection, kept because it nearly never changes; see `upstream/outgoing_head.ts`. */
  hopLines?: HopLines | undefined;
}

/** Header lines about this hop, and the Host they were made for. */
export interface HopLines {
  readonly host: string;
  readonly minor: 0 | 1;
  readonly text: string;
}

/** What the rest of the proxy may know of the route a request took. */
export interface RouteInfo {
  readonly id: string;
  readonly serviceType: ServiceType;
  /** `path-prefix` values of the route, longest first: what prefix replacement cuts off. */
  readonly pathPrefixes: readonly string[];
  readonly namespace: string | undefined;
  readonly service: string | undefined;
}

export type ServiceType = "web" | "api" | "static" | "builtin" | "inference";

/** What one agent made of one request, all its calls together; for logs, traces and other agents. */
export interface AgentNote {
  readonly agent: string;
  /** The weightiest of its verdicts. */
  verdict: "allow" | "block" | "redirect" | "challenge" | "failed" | "skipped";
  /** It runs in shadow mode: the verdict was recorded, and not followed. */
  readonly shadow: boolean;
  /** Ids of the rules it named, bounded. */
  ruleIds: readonly string[];
  /** Fuel of its calls so far. */
  fuel: number;
  /** What it found rule by rule, if it is a firewall and found anything. */
  findings?: RuleFindings | undefined;
  /** Adds what only the access log line wants to know of it. */
  addLogFields?(fields: LogFields): void;
}

/** Fields of an access log line that the proxy itself does not know. */
export type LogFields = Record<string, string | number | boolean>;

/** A typed place for one filter's private state on a request. */
export class Slot<T> {
  get(context: RequestContext): T | undefined {
    const { slots } = context;
    // Few are used on one request, so looking through them costs less than a map would.
    for (let i = 0; i < slots.length; i += 2) {
      if (slots[i] === this) return slots[i + 1] as T;
    }
    return undefined;
  }

  /** Once per request. */
  set(context: RequestContext, value: T): void {
    if (context.slots === NO_SLOTS) context.slots = [this, value];
    else (context.slots as unknown[]).push(this, value);
  }
}

const NO_SLOTS: readonly unknown[] = Object.freeze([]);

/** Something a request holds on to, such as the snapshot it began with. */
export interface Lease {
  /** Holds on to it once more, for what goes on after the request; needs a `release` of its own. */
  retain(): void;
  release(context: RequestContext): void;
}

/** Something that goes on after a request, such as a copy of it for another upstream. */
export interface Afterwards {
  /** The response has been sent, or given up; nothing waits for what this does. Must not throw. */
  requestEnded(): void;
}

/** Everything known about one request; born when its head is parsed, dead when its response has been sent. */
export class RequestContext {
  readonly head: RequestHead;
  /** The request body; null when the head announces none. Filters may replace it. */
  body: Body | null;
  readonly downstream: Downstream;
  /** `Clock.nowMs` when the first byte of the head was handled. */
  readonly startedMs: number;

  /** Path for matching: raw, or normalised where it held dot segments or escapes (`routing/path.ts`). */
  path: string;
  /** Query without `?`, raw; empty when there is none. */
  query: string;
  /** Client address after trusted forwarding headers were believed. */
  clientIp: string;
  /** Correlation id: continued from the client or created; at most 128 printable bytes. */
  requestId = "";
  /** Outgoing W3C traceparent. */
  traceparent = "";
  /** Set once headers meant for this hop, and forwarding headers nobody vouches for, are gone (`upstream/clean_headers.ts`). */
  headersCleaned = false;
  /** The client can take fields after the body (`TE: trailers`, RFC 9110 §10.1.4). */
  acceptsTrailers = false;

  /** The wish to go on in another protocol; null when there is none, or the route does not grant it. */
  upgrade: Upgrade | null = null;

  route: RouteInfo | null = null;
  /** Upstream the route or a filter chose; undefined when the request ends in the proxy. */
  upstreamId: string | undefined = undefined;
  /** `host:port` or `unix:path` of the target last tried. */
  targetAddress: string | undefined = undefined;
  /** Connections tried for this request; above 1 means it was retried. */
  attempts = 0;
  /** Whether the upstream connection was a kept-alive one. */
  connectionReused = false;
  /** Milliseconds from the first attempt to the response head. */
  upstreamHeadMs = 0;

  /** Time limits that the timeout filter or the route's policies set; undefined means the upstream's own. */
  connectTimeoutMs: number | undefined = undefined;
  readTimeoutMs: number | undefined = undefined;
  /** `Clock.nowMs` at which the whole request is given up; Infinity means never. */
  deadlineMs = Infinity;

  /** Largest request body this route takes; counted while it streams. */
  bodyBytesMax: number;
  /** Bytes of request body received so far. */
  bodyBytesReceived = 0;
  /** Bytes of response body sent. */
  bodyBytesSent = 0;

  /** Status of the answer; 0 until there is one. */
  status = 0;
  /** Why the proxy answered by itself (`rate_limited`, `redirected`, an error code, …). */
  reason: string | undefined = undefined;
  errorCode: ErrorCode | undefined = undefined;
  /** Detail for logs, never for clients. */
  errorDetail: string | undefined = undefined;
  /** Set when the connection must not be used again after this response. */
  closeConnection = false;
  /** Set once the client is known to be gone. */
  aborted = false;
  /** Called when the client goes away or the request runs out of time; set by whoever waits. */
  onAbort: ((cause: ErrorCode) => void) | null = null;

  /** The path in the form that routes are matched on; undefined until that has been done. */
  matchedPath: string | undefined = undefined;
  /** What each agent made of the request, in the order they were asked; created at first use. */
  agentNotes: AgentNote[] | undefined = undefined;
  /** Fields that filters add to the access log line; created at first use. What agents add stands in `agentNotes`. */
  logFields: LogFields | undefined = undefined;
  /** Private state of filters; see `Slot`. */
  slots: readonly unknown[] = NO_SLOTS;
  /** How many filters of the route's chain saw the request: those see its response. */
  chainDepth = 0;
  /** What the request holds while it lives, given back when its response has been sent. */
  lease: Lease | null = null;
  /** Told when the response has been sent, or given up. */
  afterwards: Afterwards | null = null;
  /** Records every decision when somebody asked for an explanation. */
  trace: Trace | null = null;

  constructor(init: {
    head: RequestHead;
    body: Body | null;
    downstream: Downstream;
    startedMs: number;
    bodyBytesMax: number;
  }) {
    this.head = init.head;
    this.body = init.body;
    this.downstream = init.downstream;
    this.startedMs = init.startedMs;
    this.bodyBytesMax = init.bodyBytesMax;
    this.clientIp = init.downstream.peerIp;
    const target = init.head.target;
    const mark = target.indexOf("?");
    this.path = mark < 0 ? target : target.slice(0, mark);
    this.query = mark < 0 ? "" : target.slice(mark + 1);
  }
}

/** All that filters and agents add to the access log line; undefined when there are none of either. */
export function allLogFields({ logFields, agentNotes }: RequestContext): LogFields | undefined {
  if (agentNotes === undefined) return logFields;
  const fields = { ...logFields };
  // Of two notes of one agent the first is the one to keep.
  for (let at = agentNotes.length - 1; at >= 0; at--) agentNotes[at]!.addLogFields?.(fields);
  return fields;
}
