/**
 * Runs a built agent in the proxy's own machine, so that a test sees what a request would: `const agent = await
 * loadAgent("dist/echo.wasm", { config: { … }, grants: ["clock"] }); const outcome = await agent.onRequest(…);`
 */

import { bindSentinel, bindSentinelAsync } from "../../src/agents/contract/sentinel_exports.ts";
import type { PromisedExports } from "../../src/agents/contract/sentinel_exports.ts";
import { lowerSentinelImports } from "../../src/agents/contract/sentinel_imports.ts";
import { SentinelInstance } from "../../src/agents/contract/sentinel_instance.ts";
import type {
  BodyOutcome,
  CloseReason,
  ConfigProblem,
  Description,
  Direction,
  Exports,
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
} from "../../src/agents/contract/sentinel_types.ts";
import { compileComponent } from "../../src/agents/wasm/compile_component.ts";
import { type ComponentLimits, DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import { CoreInstance } from "../../src/agents/wasm/core_instance.ts";
import { FakeHost, type FakeHostOptions, type Grant } from "./fake_host.ts";

/** How an agent is loaded. */
export interface LoadOptions {
  /** What the `config` block becomes: a value that is written as JSON, or JSON text. */
  readonly config?: unknown;
  /** Imports that are granted; none unless named. */
  readonly grants?: readonly Grant[];
  /** What the granted imports do. */
  readonly host?: FakeHost | FakeHostOptions;
  /** Fuel of each call; the proxy's default is 10 million. */
  readonly fuel?: number;
  /** Fuel of `configure`. */
  readonly configureFuel?: number;
  readonly limits?: Partial<ComponentLimits>;
}

/** The agent refused its configuration. */
export class ConfigRefused extends Error {
  override readonly name = "ConfigRefused";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ path, message }) => path === "" ? message : `${path} ${message}`).join("\n"));
    this.problems = problems;
  }
}

const DEFAULT_FUEL = 10_000_000;
const DEFAULT_CONFIGURE_FUEL = 500_000_000;
const LIFT_BUDGET = { bytes: 262_144, listLength: 1024 };

/** A body that comes in one piece, or a piece of one. */
export interface Piece {
  readonly index?: number;
  readonly last?: boolean;
}

/** Loads and configures an agent. Rejects with `ConfigRefused`, `AgentLoadError` or `AgentTrap`. */
export async function loadAgent(
  source: string | URL | Uint8Array,
  options: LoadOptions = {},
): Promise<TestAgent> {
  const bytes = source instanceof Uint8Array ? source : await Deno.readFile(source);
  const compiled = compileComponent(bytes, { ...DEFAULT_COMPONENT_LIMITS, ...options.limits });
  const host = options.host instanceof FakeHost ? options.host : new FakeHost(options.host);
  const glue = new SentinelInstance(LIFT_BUDGET);
  const imports = host.granted(options.grants ?? []);
  const isPromising = imports.fetch !== undefined;
  const core = CoreInstance.create(compiled, {
    imports: lowerSentinelImports(imports, glue),
    fuel: options.configureFuel ?? DEFAULT_CONFIGURE_FUEL,
    promising: isPromising,
  });
  const exports = isPromising ? bindSentinelAsync(core, glue) : bindSentinel(core, glue);
  const agent = new TestAgent(core, { exports, host, fuel: options.fuel ?? DEFAULT_FUEL });
  await agent.configure(options.config ?? {}, options.configureFuel ?? DEFAULT_CONFIGURE_FUEL);
  return agent;
}

/** A live agent. What its calls reject with is an `AgentTrap`, as the proxy would see it. */
export class TestAgent {
  /** The bound functions themselves, for measurements. */
  readonly exports: Exports | PromisedExports;
  readonly host: FakeHost;
  readonly #core: CoreInstance;
  readonly #fuel: number;

  constructor(
    core: CoreInstance,
    { exports, host, fuel }: { exports: Exports | PromisedExports; host: FakeHost; fuel: number },
  ) {
    this.#core = core;
    this.exports = exports;
    this.host = host;
    this.#fuel = fuel;
  }

  /** Units that the last call took. */
  get fuelUsed(): number {
    return this.#core.fuelUsed;
  }

  /** Bytes of the agent's memory. */
  get memoryBytes(): number {
    return this.#core.memoryBytes;
  }

  /** Gives the instance fuel, for calls of `exports`. */
  refill(units: number): void {
    this.#core.refill(units);
  }

  /** Configures the agent; only the loader needs it. */
  async configure(config: unknown, fuel: number): Promise<void> {
    const text = typeof config === "string" ? config : JSON.stringify(config);
    this.#core.refill(fuel);
    const result = await this.#explained(() => this.exports.lifecycle!.configure(text));
    if (result.type === "error") throw new ConfigRefused(result.value);
  }

  describe(): Promise<Description> {
    return this.#call(() => this.exports.lifecycle!.describe());
  }

  health(): Promise<Result<string, string>> {
    return this.#call(() => this.exports.lifecycle!.health());
  }

  drain(reason: Reason): Promise<void> {
    return this.#call(() => this.exports.lifecycle!.drain(reason));
  }

  shutdown(reason: Reason): Promise<void> {
    return this.#call(() => this.exports.lifecycle!.shutdown(reason));
  }

  onRequest(request: Request): Promise<Outcome> {
    return this.#call(() => this.exports.requestHandler!.onRequestHeaders(request));
  }

  onRequestBody(request: Request, body: string | Uint8Array, piece: Piece = {}): Promise<BodyOutcome> {
    const { index = 0, last = true } = piece;
    return this.#call(() =>
      this.exports.requestBodyHandler!.onRequestBody(request, bytesOf(body), index, last)
    );
  }

  onResponse(request: Request, response: Response): Promise<Outcome> {
    return this.#call(() => this.exports.responseHandler!.onResponseHeaders(request, response));
  }

  onResponseBody(exchange: Exchange, body: string | Uint8Array, piece: Piece = {}): Promise<BodyOutcome> {
    const { request, response } = exchange;
    const { index = 0, last = true } = piece;
    const { responseBodyHandler } = this.exports;
    return this.#call(() =>
      responseBodyHandler!.onResponseBody(request, response, bytesOf(body), index, last)
    );
  }

  onRequestComplete(request: Request, summary: Partial<Summary> = {}): Promise<void> {
    return this.#call(() =>
      this.exports.completionHandler!.onRequestComplete(request, { ...DONE, ...summary })
    );
  }

  onWebSocketOpen(request: Request): Promise<Outcome> {
    return this.#call(() => this.exports.websocketHandler!.wsOpen(request));
  }

  onWebSocketFrame(
    request: Request,
    frame: Frame,
    direction: Direction = "client-to-server",
  ): Promise<FrameDecision> {
    return this.#call(() => this.exports.websocketHandler!.wsFrame(request, direction, 0n, frame));
  }

  onWebSocketClose(request: Request, reason?: CloseReason): Promise<void> {
    return this.#call(() => this.exports.websocketHandler!.wsClose(request, reason));
  }

  onGuardrailInspect(subject: Subject): Promise<Finding> {
    return this.#call(() => this.exports.guardrailHandler!.guardrailInspect(subject));
  }

  #call<T>(call: () => T | Promise<T>): Promise<T> {
    this.#core.refill(this.#fuel);
    return this.#explained(call);
  }

  async #explained<T>(call: () => T | Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      throw this.#core.trapOf(cause);
    }
  }
}

/** A request and what came back for it. */
export interface Exchange {
  readonly request: Request;
  readonly response: Response;
}

const DONE: Summary = {
  status: 200,
  durationMs: 1,
  requestBytes: 0n,
  responseBytes: 0n,
  upstreamAttempts: 1,
  error: undefined,
  agents: [],
};

function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}
