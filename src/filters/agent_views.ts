/** Requests and responses as agents see them: every getter reads just what it returns. */

import { protocolName } from "../core/message.ts";
import type { Header, Response as AgentResponse, TlsInfo } from "../agents/contract/sentinel_types.ts";
import type { RequestView } from "../agents/runtime/bound_agent.ts";
import type { RequestContext } from "../core/context.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import type { RequestAgents } from "./agent_records.ts";
import { receivedHeaders } from "./received_headers.ts";

/** The request at hand, with the edits of filters and agents so far. */
export class ContextView implements RequestView {
  readonly #context: RequestContext;
  readonly #agents: RequestAgents;
  readonly #clock: Clock;

  constructor(context: RequestContext, agents: RequestAgents, clock: Clock) {
    this.#context = context;
    this.#agents = agents;
    this.#clock = clock;
  }

  id(): string {
    return this.#context.requestId;
  }

  method(): string {
    return this.#context.head.method;
  }

  target(): string {
    return this.#context.head.target;
  }

  path(): string {
    return this.#context.matchedPath ?? this.#context.path;
  }

  query(): string {
    return this.#context.query;
  }

  host(): string {
    return this.#context.head.host;
  }

  header(name: string): string | undefined {
    return this.#context.head.headers.joined(name.toLowerCase());
  }

  headers(): readonly Header[] {
    return headerRecords(this.#context.head.headers);
  }

  route(): string | undefined {
    return this.#context.route?.id;
  }

  upstream(): string | undefined {
    return this.#context.upstreamId;
  }

  traceparent(): string {
    return this.#context.traceparent;
  }

  metadata(key: string): string | undefined {
    // No agent can say otherwise.
    return this.#fact(key) ?? this.#agents.metadata(key);
  }

  /** What no getter of the contract tells. */
  #fact(key: string): string | undefined {
    if (!key.startsWith("http.")) return undefined;
    if (key === "http.protocol") return this.protocol();
    // Clients may choose the id of a request, and choose one that is in use.
    if (key === "http.serial") return this.#agents.serial;
    // In HTTP/2 no header needs to announce a body.
    if (key === "http.body") return this.#hasBody();
    // All three at once, for agents that want them of every request.
    if (key === "http.facts") return `${this.protocol()} ${this.#hasBody()} ${this.#agents.serial}`;
    return undefined;
  }

  #hasBody(): "0" | "1" {
    return this.#context.body === null ? "0" : "1";
  }

  clientAddress(): string {
    return this.#context.clientIp;
  }

  clientPort(): number {
    const { clientIp, downstream } = this.#context;
    // Of a client behind a trusted proxy only the address is known.
    return clientIp === downstream.peerIp ? downstream.peerPort : 0;
  }

  tls(): TlsInfo | undefined {
    const { tls } = this.#context.downstream;
    if (tls === null) return undefined;
    return {
      version: tls.version,
      cipher: tls.cipher,
      serverName: tls.serverName === "" ? undefined : tls.serverName,
      alpn: tls.protocol === "" ? undefined : tls.protocol,
      clientCertificate: tls.client?.der,
      clientVerified: tls.client?.problem === "",
    };
  }

  protocol(): string {
    return protocolName(this.#context.head);
  }

  timestampMs(): number {
    return Math.round(this.#clock.wallMs() - (this.#clock.nowMs() - this.#context.startedMs));
  }
}

/** The same with the headers that the client sent. Target and method have the edits all the same. */
export class ReceivedView extends ContextView {
  readonly #context: RequestContext;
  /** Read when they are asked for. */
  #lines: HeaderList | undefined;

  constructor(context: RequestContext, agents: RequestAgents, clock: Clock) {
    super(context, agents, clock);
    this.#context = context;
  }

  override header(name: string): string | undefined {
    return this.#received().joined(name.toLowerCase());
  }

  override headers(): readonly Header[] {
    return headerRecords(this.#received());
  }

  #received(): HeaderList {
    return this.#lines ??= receivedHeaders(this.#context);
  }
}

/** A response head. */
export class ResponseView implements AgentResponse {
  readonly #response: Response;

  constructor(response: Response) {
    this.#response = response;
  }

  status(): number {
    return this.#response.status;
  }

  header(name: string): string | undefined {
    return this.#response.headers.joined(name.toLowerCase());
  }

  headers(): readonly Header[] {
    return headerRecords(this.#response.headers);
  }
}

function headerRecords(headers: HeaderList): Header[] {
  const records: Header[] = [];
  for (let i = 0; i < headers.size; i++) records.push({ name: headers.nameAt(i), value: headers.valueAt(i) });
  return records;
}
