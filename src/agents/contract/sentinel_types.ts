// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** The types of `wasm-agents/wit/sentinel-agent.wit`. */

/** `header` of interface `http`. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** `request` of interface `http`. */
export interface Request {
  /** The id under which the request stands in every log. */
  id(): string;
  method(): string;
  /** Path and query as received, to be sent on unless a decision replaces it. */
  target(): string;
  /** The normalised path, which routes are matched on: no dot segments, no needless escapes. */
  path(): string;
  /** Without `?`, as received; empty when there is none. */
  query(): string;
  /** Lower case, without port. */
  host(): string;
  /** All values of a header, joined by `, `. The name in any letter case. */
  header(name: string): string | undefined;
  /**
   * Every header line in order: those to be sent on, with the edits of agents before this one; or, as the
   * operator's `headers "received"` has it, those that the client sent, for `header` too.
   */
  headers(): readonly Header[];
  route(): string | undefined;
  upstream(): string | undefined;
  /** W3C `traceparent` that goes to the upstream. */
  traceparent(): string;
  /** What agents before this one said about the request. */
  metadata(key: string): string | undefined;
}

/** `response` of interface `http`. */
export interface Response {
  status(): number;
  header(name: string): string | undefined;
  headers(): readonly Header[];
}

/** `header-edit` of interface `decisions`. */
export type HeaderEdit =
  /** Puts the value where the header first stood, and drops its other lines. */
  | { readonly type: "set"; readonly value: Header }
  | { readonly type: "add"; readonly value: Header }
  | { readonly type: "remove"; readonly value: string };

/** `block` of interface `decisions`. */
export interface Block {
  /** 400 to 599. */
  readonly status: number;
  /** Text of the answer; absent means the route's error page. */
  readonly body: string | undefined;
  readonly headers: readonly Header[];
}

/** `redirect` of interface `decisions`. */
export interface Redirect {
  /** 301, 302, 303, 307 or 308. */
  readonly status: number;
  readonly location: string;
}

/**
 * Asks the client to prove something. `basic` and `bearer` become 401 with WWW-Authenticate and `params` as
 * its parameters; every other kind is answered 403 with a page that names it.
 */
export interface Challenge {
  readonly kind: string;
  readonly params: readonly Header[];
}

/** `decision` of interface `decisions`. */
export type Decision =
  | { readonly type: "allow" }
  | { readonly type: "block"; readonly value: Block }
  | { readonly type: "redirect"; readonly value: Redirect }
  | { readonly type: "challenge"; readonly value: Challenge };

/** `audit` of interface `decisions`. */
export interface Audit {
  readonly tags: readonly string[];
  readonly ruleIds: readonly string[];
  readonly reasonCodes: readonly string[];
  /** 0 to 1. */
  readonly confidence: number | undefined;
  readonly custom: readonly Header[];
}

/** `outcome` of interface `decisions`. */
export interface Outcome {
  readonly decision: Decision;
  readonly requestHeaders: readonly HeaderEdit[];
  readonly responseHeaders: readonly HeaderEdit[];
  /** Replaces path and query of the request. Only before the request is sent. */
  readonly target: string | undefined;
  /** Replaces the method. Only before the request is sent. */
  readonly method: string | undefined;
  /** Notes for agents after this one, logs and routing. */
  readonly metadata: readonly Header[];
  readonly audit: Audit;
  /** Nothing is decided yet: the request waits until the body handler has decided. */
  readonly needsMore: boolean;
}

/** `body-edit` of interface `decisions`. */
export type BodyEdit =
  | { readonly type: "keep" }
  | { readonly type: "drop" }
  | { readonly type: "replace"; readonly value: Uint8Array };

/** `body-outcome` of interface `decisions`. */
export interface BodyOutcome {
  readonly outcome: Outcome;
  readonly edit: BodyEdit;
}

/** `description` of interface `lifecycle`. */
export interface Description {
  /** Lower case, digits and `-`. */
  readonly id: string;
  readonly version: string;
  readonly summary: string;
}

/** `config-problem` of interface `lifecycle`. */
export interface ConfigProblem {
  /** Where in the configuration, such as `rules[2].path`; empty means all of it. */
  readonly path: string;
  readonly message: string;
}

/** `reason` of interface `lifecycle`. */
export type Reason = "config-reload" | "replaced" | "removed" | "shutdown";

/** Every agent has this. */
export interface Lifecycle {
  describe(): Description;
  /** `config` is the agent's `config` block as JSON. Called once, before any other event. */
  configure(config: string): Result<undefined, readonly ConfigProblem[]>;
  health(): Result<string, string>;
  /** No new request will come. */
  drain(reason: Reason): void;
  /** The instance is about to be discarded. */
  shutdown(reason: Reason): void;
}

/** The functions of interface `request-handler`. */
export interface RequestHandler {
  onRequestHeaders(request: Request): Outcome;
}

/** The functions of interface `request-body-handler`. */
export interface RequestBodyHandler {
  /** `index` counts from 0. With buffering the whole body is one chunk. */
  onRequestBody(request: Request, chunk: Uint8Array, index: number, last: boolean): BodyOutcome;
}

/** The functions of interface `response-handler`. */
export interface ResponseHandler {
  onResponseHeaders(request: Request, response: Response): Outcome;
}

/** The functions of interface `response-body-handler`. */
export interface ResponseBodyHandler {
  onResponseBody(
    request: Request,
    response: Response,
    chunk: Uint8Array,
    index: number,
    last: boolean,
  ): BodyOutcome;
}

/** `agent-verdict` of interface `completion-handler`. */
export interface AgentVerdict {
  readonly agent: string;
  /** `allow`, `block`, `redirect`, `challenge`, `failed` or `skipped`. */
  readonly verdict: string;
  readonly ruleIds: readonly string[];
}

/** `summary` of interface `completion-handler`. */
export interface Summary {
  /** 0 when the client left before there was an answer. */
  readonly status: number;
  readonly durationMs: number;
  readonly requestBytes: bigint;
  readonly responseBytes: bigint;
  readonly upstreamAttempts: number;
  readonly error: string | undefined;
  readonly agents: readonly AgentVerdict[];
}

/** The functions of interface `completion-handler`. */
export interface CompletionHandler {
  onRequestComplete(request: Request, summary: Summary): void;
}

/** `opcode` of interface `websocket-handler`. */
export type Opcode = "continuation" | "text" | "binary" | "close" | "ping" | "pong";

/** `direction` of interface `websocket-handler`. */
export type Direction = "client-to-server" | "server-to-client";

/** `frame` of interface `websocket-handler`. */
export interface Frame {
  readonly opcode: Opcode;
  readonly fin: boolean;
  readonly data: Uint8Array;
}

/** `close-reason` of interface `websocket-handler`. */
export interface CloseReason {
  readonly code: number;
  readonly reason: string;
}

/** `frame-decision` of interface `websocket-handler`. */
export type FrameDecision =
  | { readonly type: "allow" }
  | { readonly type: "drop" }
  | { readonly type: "replace"; readonly value: Frame }
  /** Sends these frames back to where the frame came from, and drops it. */
  | { readonly type: "answer"; readonly value: readonly Frame[] }
  | { readonly type: "close"; readonly value: CloseReason };

/** The functions of interface `websocket-handler`. */
export interface WebsocketHandler {
  wsOpen(request: Request): Outcome;
  wsFrame(request: Request, direction: Direction, index: bigint, frame: Frame): FrameDecision;
  wsClose(request: Request, reason: CloseReason | undefined): void;
}

/** `inspection` of interface `guardrail-handler`. */
export type Inspection = "prompt-injection" | "pii-detection";

/** `severity` of interface `guardrail-handler`. */
export type Severity = "low" | "medium" | "high" | "critical";

/** `detection` of interface `guardrail-handler`. */
export interface Detection {
  readonly category: string;
  readonly description: string;
  readonly severity: Severity;
  readonly confidence: number | undefined;
  /** Offsets in characters. */
  readonly span: readonly [number, number] | undefined;
}

/** `subject` of interface `guardrail-handler`. */
export interface Subject {
  readonly inspection: Inspection;
  readonly content: string;
  readonly model: string | undefined;
  readonly categories: readonly string[];
  readonly route: string | undefined;
}

/** `finding` of interface `guardrail-handler`. */
export interface Finding {
  readonly detected: boolean;
  readonly confidence: number;
  readonly detections: readonly Detection[];
  readonly redacted: string | undefined;
}

/** The functions of interface `guardrail-handler`. */
export interface GuardrailHandler {
  guardrailInspect(subject: Subject): Finding;
}

/** `level` of interface `log`. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** `field` of interface `log`. */
export interface Field {
  readonly key: string;
  readonly value: string;
}

/** The functions of interface `log`. */
export interface Log {
  write(level: LogLevel, message: string, fields: readonly Field[]): void;
}

/** The functions of interface `clock`. */
export interface Clock {
  /** Unix time in milliseconds. */
  wallMs(): number;
  /** Milliseconds that only grow, with fractions. */
  monotonicMs(): number;
}

/** The functions of interface `random`. */
export interface Random {
  word(): number;
  /** At most 65536 bytes. */
  bytes(count: number): Uint8Array;
}

/** `label` of interface `metrics`. */
export interface Label {
  readonly key: string;
  readonly value: string;
}

/**
 * Metrics of the agent's own, on the proxy's page as `sentinel_agent_custom_*` with the agent's id as label. The
 * number of names and of label values is bounded; what is above is counted as dropped.
 */
export interface Metrics {
  add(name: string, labels: readonly Label[], amount: number): void;
  set(name: string, labels: readonly Label[], value: number): void;
  observe(name: string, labels: readonly Label[], value: number): void;
}

/** Files that the operator listed for this agent, read when it was loaded. */
export interface Assets {
  read(name: string): Uint8Array | undefined;
  /** Changes whenever the content does. */
  version(name: string): string | undefined;
}

/**
 * Values that all instances of the agent share, in every thread, with atomic operations. Entries end with their
 * time to live; when there is no room the oldest go first.
 */
export interface Kv {
  /** Keys have at most 256 bytes, values at most 65536. */
  get(key: string): Uint8Array | undefined;
  /** `ttl-ms` 0 means until there is no room. */
  set(key: string, value: Uint8Array, ttlMs: number): boolean;
  delete(key: string): boolean;
  /** Adds to a number, which begins at 0 and lives `ttl-ms` from its first change; the new value. */
  incr(key: string, by: bigint, ttlMs: number): bigint;
  /** Sets the value if it is `expected` (absent: if there is none); whether it was. */
  compareAndSet(key: string, expected: Uint8Array | undefined, value: Uint8Array, ttlMs: number): boolean;
  /**
   * Takes `cost` from a token bucket that refills at `rate` a second up to `burst`. 0: taken; else the milliseconds
   * until there will be enough.
   */
  take(key: string, cost: number, rate: number, burst: number): number;
}

/** `hash` of interface `crypto`. */
export type Hash = "md5" | "sha1" | "sha256" | "sha384" | "sha512";

/** `signature` of interface `crypto`. */
export type Signature =
  | "rs256"
  | "rs384"
  | "rs512"
  | "ps256"
  | "ps384"
  | "ps512"
  | "es256"
  | "es384"
  | "eddsa";

/** The functions of interface `crypto`. */
export interface Crypto {
  digest(hash: Hash, data: Uint8Array): Uint8Array;
  hmac(hash: Hash, key: Uint8Array, data: Uint8Array): Uint8Array;
  /** In time that depends on the lengths alone. */
  equal(a: Uint8Array, b: Uint8Array): boolean;
  /** `key` is a JWK as JSON. An error says why the key cannot be used. */
  verify(signature: Signature, key: string, data: Uint8Array, signed: Uint8Array): Result<boolean, string>;
}

/** `fetch-request` of interface `fetch`. */
export interface FetchRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly Header[];
  readonly body: Uint8Array | undefined;
  readonly timeoutMs: number;
}

/** `fetch-response` of interface `fetch`. */
export interface FetchResponse {
  readonly status: number;
  readonly headers: readonly Header[];
  readonly body: Uint8Array;
}

/** HTTP to the origins that the operator listed. */
export interface Fetch {
  send(request: FetchRequest): Promise<Result<FetchResponse, string>>;
}

/** `tls-info` of interface `conn-info`. */
export interface TlsInfo {
  readonly version: string;
  readonly cipher: string;
  readonly serverName: string | undefined;
  readonly alpn: string | undefined;
  /** DER, when the client sent a certificate. */
  readonly clientCertificate: Uint8Array | undefined;
  readonly clientVerified: boolean;
}

/** The functions of interface `conn-info`. */
export interface ConnInfo {
  /** The client's address as far as it can be believed: trusted proxies are looked through. */
  clientAddress(request: Request): string;
  clientPort(request: Request): number;
  tls(request: Request): TlsInfo | undefined;
}

/** How something ended that can fail. */
export type Result<T, E> =
  | { readonly type: "ok"; readonly value: T }
  | { readonly type: "error"; readonly value: E };

/** What an agent may be granted, by the name of the interface; absent means denied. */
export interface Imports {
  readonly log?: Log;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly metrics?: Metrics;
  readonly assets?: Assets;
  readonly kv?: Kv;
  readonly crypto?: Crypto;
  readonly fetch?: Fetch;
  readonly connInfo?: ConnInfo;
}

/** What an agent exports, by the name of the interface; undefined is what it does not have. */
export interface Exports {
  readonly lifecycle: Lifecycle | undefined;
  readonly requestHandler: RequestHandler | undefined;
  readonly requestBodyHandler: RequestBodyHandler | undefined;
  readonly responseHandler: ResponseHandler | undefined;
  readonly responseBodyHandler: ResponseBodyHandler | undefined;
  readonly completionHandler: CompletionHandler | undefined;
  readonly websocketHandler: WebsocketHandler | undefined;
  readonly guardrailHandler: GuardrailHandler | undefined;
}
