// Generated from wasm-agents/wit/zentinel-agent.wit by `deno task wit`; do not edit.

/** The types of `wasm-agents/wit/zentinel-agent.wit`. */

/** What is known of a request besides its head. Times are Unix milliseconds. */
export interface RequestMetadata {
  readonly correlationId: string;
  readonly requestId: string;
  readonly clientIp: string;
  readonly clientPort: number;
  readonly serverName: string | undefined;
  readonly protocol: string;
  readonly tlsVersion: string | undefined;
  readonly routeId: string | undefined;
  readonly upstreamId: string | undefined;
  readonly timestampMs: bigint;
  readonly traceparent: string | undefined;
}

/** `header` of interface `types`. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** A change to a header block. */
export type HeaderOp =
  | { readonly type: "set"; readonly value: Header }
  | { readonly type: "add"; readonly value: Header }
  | { readonly type: "remove"; readonly value: string };

/** `block-params` of interface `types`. */
export interface BlockParams {
  readonly status: number;
  readonly body: string | undefined;
  readonly headers: readonly Header[];
}

/** `redirect-params` of interface `types`. */
export interface RedirectParams {
  readonly url: string;
  readonly status: number;
}

/** `decision` of interface `types`. */
export type Decision =
  | { readonly type: "allow" }
  | { readonly type: "block"; readonly value: BlockParams }
  | { readonly type: "redirect"; readonly value: RedirectParams };

/** `audit-metadata` of interface `types`. */
export interface AuditMetadata {
  readonly tags: readonly string[];
  readonly ruleIds: readonly string[];
  readonly confidence: number | undefined;
  readonly reasonCodes: readonly string[];
}

/** `agent-response` of interface `types`. */
export interface AgentResponse {
  readonly decision: Decision;
  readonly requestHeaders: readonly HeaderOp[];
  readonly responseHeaders: readonly HeaderOp[];
  readonly audit: AuditMetadata;
  readonly needsMore: boolean;
}

/** `agent-info` of interface `types`. */
export interface AgentInfo {
  readonly agentId: string;
  readonly name: string;
  readonly version: string;
  readonly supportedEvents: readonly string[];
  readonly maxBodySize: bigint;
  readonly supportsStreaming: boolean;
}

/** The functions of interface `handler`. */
export interface Handler {
  getInfo(): AgentInfo;
  configure(config: string): Result<undefined, string>;
  onRequestHeaders(
    metadata: RequestMetadata,
    method: string,
    uri: string,
    headers: readonly Header[],
  ): AgentResponse;
  onRequestBody(correlationId: string, data: Uint8Array, chunkIndex: number, isLast: boolean): AgentResponse;
  onResponseHeaders(correlationId: string, status: number, headers: readonly Header[]): AgentResponse;
  onResponseBody(correlationId: string, data: Uint8Array, chunkIndex: number, isLast: boolean): AgentResponse;
}

/** The functions of interface `lifecycle`. */
export interface Lifecycle {
  healthCheck(): Result<string, string>;
  shutdown(): void;
}

/** How something ended that can fail. */
export type Result<T, E> =
  | { readonly type: "ok"; readonly value: T }
  | { readonly type: "error"; readonly value: E };

/** What an agent exports, by the name of the interface; undefined is what it does not have. */
export interface Exports {
  readonly handler: Handler | undefined;
  readonly lifecycle: Lifecycle | undefined;
}
