/** What the runtime needs of a component: one instance with typed hooks, and a way to make more of them. */

import type { MaybePromise } from "../../core/message.ts";
import type {
  BodyOutcome,
  CloseReason,
  ConfigProblem,
  Description,
  Direction,
  Finding,
  Frame,
  FrameDecision,
  Outcome,
  Reason,
  Request,
  Response,
  Result,
  Subject,
  Summary,
  TlsInfo,
} from "../contract/sentinel_types.ts";
import type { AgentTrap } from "../guest.ts";
import type { AgentEvent } from "../options.ts";
import type { InstanceImage } from "../wasm/instance_image.ts";

/** A request as the proxy shows it: what the interface of agents has, and what other worlds and grants ask for. */
export interface RequestView extends Request {
  /** The client's address as far as it can be believed. */
  clientAddress(): string;
  clientPort(): number;
  tls(): TlsInfo | undefined;
  /** `HTTP/1.1` or `HTTP/1.0`. */
  protocol(): string;
  /** Unix time in milliseconds at which the request began. */
  timestampMs(): number;
}

/**
 * One configured or configurable instance by its hooks; those that the component does not handle are absent. What a
 * hook throws, `AgentInstance.trapOf` explains. Results are promises only from instances that can wait.
 */
export interface BoundAgent {
  configure(config: string): MaybePromise<Result<undefined, readonly ConfigProblem[]>>;
  describe?(): MaybePromise<Description>;
  health?(): MaybePromise<Result<string, string>>;
  drain?(reason: Reason): MaybePromise<void>;
  shutdown?(reason: Reason): MaybePromise<void>;
  onRequestHeaders?(request: RequestView): MaybePromise<Outcome>;
  onRequestBody?(request: RequestView, chunk: BodyChunk): MaybePromise<BodyOutcome>;
  onResponseHeaders?(request: RequestView, response: Response): MaybePromise<Outcome>;
  onResponseBody?(request: RequestView, response: Response, chunk: BodyChunk): MaybePromise<BodyOutcome>;
  onRequestComplete?(request: RequestView, summary: Summary): MaybePromise<void>;
  wsOpen?(request: RequestView): MaybePromise<Outcome>;
  wsFrame?(request: RequestView, frame: DirectedFrame): MaybePromise<FrameDecision>;
  wsClose?(request: RequestView, reason: CloseReason | undefined): MaybePromise<void>;
  guardrailInspect?(subject: Subject): MaybePromise<Finding>;
}

/** A part of a body. */
export interface BodyChunk {
  /** Valid during the call. */
  readonly data: Uint8Array;
  /** Counted from 0. */
  readonly index: number;
  readonly last: boolean;
}

/** A WebSocket frame with where it goes. */
export interface DirectedFrame {
  readonly direction: Direction;
  /** Counted from 0 for each direction. */
  readonly index: bigint;
  readonly frame: Frame;
}

/** One live instance. */
export interface AgentInstance {
  readonly agent: BoundAgent;
  /** It began with the state of an instance that was configured. */
  readonly isConfigured?: boolean;
  /** Bytes of its memory now. */
  memoryBytes(): number;
  /** Sets the budget of what follows, for all its modules. */
  refill(units: number): void;
  /** Units used since the last refill. */
  fuelUsed(): number;
  /** Takes all fuel away: a call that waits traps as soon as it would go on. Ask for `fuelUsed` before. */
  stop?(): void;
  /** Remembers memory, globals and tables as they are. */
  snapshot(): void;
  /** Puts back what `snapshot` remembered; false when that cannot be done, as after growth of the memory. */
  reset(): boolean;
  /** Its state, for instances to start from. Throws `AgentLoadError` when that cannot be. */
  image?(): InstanceImage;
  /** Why a call threw. */
  trapOf(cause: unknown): AgentTrap;
}

/** Makes instances of one agent in this thread. */
export interface InstanceFactory {
  /** What the component handles. */
  readonly handles: ReadonlySet<AgentEvent>;
  /** Largest body that the component says it takes; absent when it says nothing. */
  readonly bodyBytesMax?: number;
  /** A new instance, not configured unless it says so; its start function runs on `fuel` units. Throws `AgentTrap`. */
  create(fuel: number): AgentInstance;
  /** Lets go of what the instances share. */
  dispose?(): void;
}

/** Goes on with a value, at once when it is there. */
export function chain<T, U>(value: MaybePromise<T>, next: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(next) : next(value);
}
