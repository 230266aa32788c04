import type { Clock, Log, Random } from "../../core/ports.ts";
import type { Borrow } from "../abi/borrows.ts";
import { AbiInstance } from "../abi/instance.ts";
import { bindSentinel, bindSentinelAsync, type PromisedExports } from "../contract/sentinel_exports.ts";
import { lowerSentinelImports } from "../contract/sentinel_imports.ts";
import { SentinelInstance } from "../contract/sentinel_instance.ts";
import type { Description, Exports, FetchRequest, Imports } from "../contract/sentinel_types.ts";
import { adaptZentinel, type ZentinelAgent } from "../contract/zentinel_adapter.ts";
import { bindZentinel } from "../contract/zentinel_exports.ts";
import { AgentLoadError, type AgentTrap, type CoreImports, type LiftBudget } from "../guest.ts";
import { fetchBytes } from "../host/fetch_request.ts";
import { LOG_LIMITS, LogRate } from "../host/log.ts";
import { denyAll } from "../host_wasi/deny_all.ts";
import type { AgentEvent, AgentOptions } from "../options.ts";
import type { CompiledComponent } from "../wasm/compile_component.ts";
import { CoreInstance } from "../wasm/core_instance.ts";
import type { InstanceImage } from "../wasm/instance_image.ts";
import type { Payer } from "./payer.ts";
import type { AgentInstance, BoundAgent, InstanceFactory, RequestView } from "./bound_agent.ts";

/** What instances of a component are made with. */
export interface ComponentFactoryDeps {
  /** What the agent is granted. */
  readonly imports: Imports;
  readonly options: AgentOptions;
  /** Lets instances pay for the work of what they are granted. */
  readonly payer: Payer;
  /** State of a configured instance that new ones start from. */
  readonly image?: InstanceImage | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Handlers of our world and the event that each is for. */
const SENTINEL_EVENTS: readonly (readonly [handler: keyof Exports, event: AgentEvent])[] = [
  ["requestHandler", "request-headers"],
  ["requestBodyHandler", "request-body"],
  ["responseHandler", "response-headers"],
  ["responseBodyHandler", "response-body"],
  ["completionHandler", "request-complete"],
  ["websocketHandler", "websocket-frame"],
  ["guardrailHandler", "guardrail"],
];

/** Events that components of the reference's world can be told of, in every spelling that they use for them. */
const ZENTINEL_EVENTS: Readonly<Record<string, AgentEvent>> = {
  "request-headers": "request-headers",
  "request-body": "request-body",
  "request-body-chunk": "request-body",
  "response-headers": "response-headers",
  "response-body": "response-body",
  "response-body-chunk": "response-body",
};

/** Fuel for a request that an agent sends, besides a unit for each byte: the host sends it while the agent waits. */
const SEND_FUEL = 20_000;

/** What a component says about itself. */
export interface ComponentFacts {
  readonly description: Description;
  readonly handles: ReadonlySet<AgentEvent>;
}

/**
 * Makes instances of a compiled component, bound to what its agent is granted. One instance is made at once, to be
 * asked what it handles. Throws `AgentLoadError` or `AgentTrap` when that does not work.
 */
export function componentFactory(compiled: CompiledComponent, deps: ComponentFactoryDeps): InstanceFactory {
  const binding = new ComponentBinding(compiled, deps);
  const { handles, bodyBytesMax } = binding.probe();
  return {
    handles,
    ...(bodyBytesMax === undefined ? {} : { bodyBytesMax }),
    create: (fuel) => binding.create(fuel, deps.image).instance,
  };
}

/** What a component says about itself before it is configured; `deps` as for `componentFactory`. */
export function componentFacts(
  compiled: CompiledComponent,
  deps: ComponentFactoryDeps,
): Promise<ComponentFacts> {
  return new ComponentBinding(compiled, deps).describe();
}

/** An instance and what stands behind it. */
interface Made {
  readonly core: CoreInstance;
  readonly instance: AgentInstance;
  readonly exports: Exports | PromisedExports;
  readonly zentinel: ZentinelAgent | undefined;
}

class ComponentBinding {
  readonly #compiled: CompiledComponent;
  readonly #deps: ComponentFactoryDeps;
  readonly #budget: LiftBudget;
  /** Whether calls may wait: their results are promises then. */
  readonly #suspends: boolean;
  readonly #importNames: readonly string[];
  /** For what all instances print together, so that a new one has no new allowance. */
  readonly #printRate: LogRate;

  constructor(compiled: CompiledComponent, deps: ComponentFactoryDeps) {
    this.#compiled = compiled;
    this.#deps = deps;
    this.#budget = { bytes: deps.options.maxResultBytes, listLength: deps.options.maxListLength };
    this.#importNames = importNames(compiled);
    this.#printRate = new LogRate({ agent: deps.options.id, clock: deps.clock, log: deps.log }, LOG_LIMITS);
    this.#suspends = deps.imports.fetch !== undefined && Object.hasOwn(compiled.imports, "fetch#send");
  }

  create(fuel: number, image?: InstanceImage): Made {
    return this.#compiled.world.package === "zentinel:agent"
      ? this.#zentinel(fuel)
      : this.#sentinel(fuel, image);
  }

  probe(): { readonly handles: ReadonlySet<AgentEvent>; readonly bodyBytesMax: number | undefined } {
    const { options } = this.#deps;
    const made = this.create(options.configureFuel);
    if (made.zentinel === undefined) {
      return { handles: sentinelEvents(made.exports), bodyBytesMax: undefined };
    }
    const info = explained(made.core, () => made.zentinel!.info());
    const streams = options.requestBodyMode !== "buffer" || options.responseBodyMode !== "buffer";
    if (streams && !info.supportsStreaming) {
      throw new AgentLoadError(
        "the component takes whole bodies only; leave request- and response-body-mode out",
      );
    }
    const bodyBytesMax = info.bodyBytesMax === 0n ? undefined : Number(info.bodyBytesMax);
    return { handles: zentinelEvents(info.supportedEvents), bodyBytesMax };
  }

  async describe(): Promise<ComponentFacts> {
    const { core, exports, zentinel } = this.create(this.#deps.options.configureFuel);
    try {
      const description = await exports.lifecycle!.describe();
      core.refill(this.#deps.options.configureFuel);
      const handles = zentinel === undefined
        ? sentinelEvents(exports)
        : zentinelEvents(zentinel.info().supportedEvents);
      return { description, handles };
    } catch (cause) {
      throw core.trapOf(cause);
    }
  }

  #sentinel(fuel: number, image?: InstanceImage): Made {
    const glue = new SentinelInstance(this.#budget);
    const made: { core?: CoreInstance } = {};
    // While instances wait they take turns, so only the import itself can say who calls it; it is cheap enough.
    const guest = () => made.core!;
    const lowered = this.#deps.payer.paidImports(
      lowerSentinelImports(this.#granted(guest), glue, this.#importNames),
      guest,
    );
    const core = made.core = this.#core(lowered, glue.abi, { fuel, image });
    const exports = this.#suspends ? bindSentinelAsync(core, glue) : bindSentinel(core, glue);
    if (exports.lifecycle === undefined) {
      throw new AgentLoadError("the component does not export lifecycle, which every agent has");
    }
    const instance = new ComponentInstance(core, boundAgent(exports), {
      handles: glue.requests,
      unshareable: this.#unshareable(),
      isConfigured: image !== undefined,
    });
    return { core, exports, zentinel: undefined, instance };
  }

  /** What the agent is granted; for what suspends `guest` pays before it does, as nobody could afterwards. */
  #granted(guest: () => CoreInstance): Imports {
    const { imports, payer } = this.#deps;
    const sender = imports.fetch;
    if (sender === undefined) return imports;
    const send = payer.paid(guest, (request: FetchRequest) => {
      payer.charge(SEND_FUEL + fetchBytes(request));
      return sender.send(request);
    });
    return { ...imports, fetch: { send } };
  }

  #zentinel(fuel: number): Made {
    const abi = new AbiInstance(this.#budget);
    const core = this.#core(new Map(), abi, { fuel });
    const zentinel = adaptZentinel(bindZentinel(core, abi), (request) => request as RequestView);
    if (zentinel === undefined) {
      throw new AgentLoadError(
        "the component does not export handler, without which it cannot be told anything",
      );
    }
    const unshareable = "it is a component of zentinel:agent, whose hosts keep state beside its memory";
    const instance = new ComponentInstance(core, boundAgent(zentinel.exports), { unshareable });
    return { core, exports: zentinel.exports, zentinel, instance };
  }

  /** Why no other instance can start with the state of this one; undefined when it can. */
  #unshareable(): string | undefined {
    if (this.#needsWasi()) return "it imports WASI, of which the host keeps state beside its memory";
    return this.#suspends ? "it may wait for fetch while it is configured" : undefined;
  }

  #needsWasi(): boolean {
    return Object.keys(this.#compiled.imports).some((name) => name.startsWith("wasi:"));
  }

  /** An instance with its agent's own imports, and with WASI as far as it is harmless. */
  #core(
    own: CoreImports,
    abi: AbiInstance,
    how: { readonly fuel: number; readonly image?: InstanceImage | undefined },
  ): CoreInstance {
    const { clock, random } = this.#deps;
    const made: { core?: CoreInstance } = {};
    const wasi = this.#needsWasi()
      ? denyAll({
        guest() {
          if (made.core === undefined) {
            throw new AgentLoadError("the component calls WASI while it is instantiated");
          }
          return made.core;
        },
        charge: (units) => made.core?.charge(units),
        wallMs: () => clock.wallMs(),
        monotonicMs: () => clock.nowMs(),
        fillRandom: (bytes) => fill(bytes, random),
        failed: (cause, where) => abi.failed(cause, where),
        print: (stream, text) => this.#print(stream, text),
      })
      : undefined;
    const imports = wasi === undefined ? own : new Map([...own, ...wasi]);
    return made.core = CoreInstance.create(this.#compiled, { ...how, imports, promising: this.#suspends });
  }

  #print(stream: string, text: string): void {
    if (!this.#printRate.admits()) return;
    const { log, options } = this.#deps;
    log("info", `Agent "${options.id}" printed`, { stream, text, ...this.#printRate.leftOut() });
  }
}

/** What an instance has besides its core. */
interface InstanceTraits {
  /** Its handles' numbers are a part of its state, if its world has any. */
  readonly handles?: Pick<Borrow<object>, "mark" | "rewind">;
  /** Why no other instance can start with its state. */
  readonly unshareable: string | undefined;
  readonly isConfigured?: boolean;
}

class ComponentInstance implements AgentInstance {
  readonly agent: BoundAgent;
  readonly isConfigured: boolean;
  readonly #core: CoreInstance;
  readonly #handles: InstanceTraits["handles"];
  readonly #unshareable: string | undefined;

  constructor(core: CoreInstance, agent: BoundAgent, traits: InstanceTraits) {
    this.agent = agent;
    this.isConfigured = traits.isConfigured ?? false;
    this.#core = core;
    this.#handles = traits.handles;
    this.#unshareable = traits.unshareable;
  }

  memoryBytes(): number {
    return this.#core.memoryBytes;
  }

  refill(units: number): void {
    this.#core.refill(units);
  }

  fuelUsed(): number {
    return this.#core.fuelUsed;
  }

  stop(): void {
    this.#core.refill(0);
  }

  snapshot(): void {
    this.#core.snapshot();
    this.#handles?.mark();
  }

  reset(): boolean {
    if (!this.#core.reset()) return false;
    this.#handles?.rewind();
    return true;
  }

  image(): InstanceImage {
    if (this.#unshareable !== undefined) throw new AgentLoadError(this.#unshareable);
    return this.#core.image();
  }

  trapOf(cause: unknown): AgentTrap {
    return this.#core.trapOf(cause);
  }
}

/** Every core function that its modules are linked with, drops of resources included. */
function importNames({ plan }: CompiledComponent): readonly string[] {
  const names = plan.steps.flatMap(({ imports }) =>
    imports.flatMap(({ source }) => source.type === "import" ? [source.key] : [])
  );
  return [...new Set(names)];
}

function sentinelEvents(exports: Exports | PromisedExports): ReadonlySet<AgentEvent> {
  const present = SENTINEL_EVENTS.filter(([handler]) => exports[handler] !== undefined);
  return new Set(present.map(([, event]) => event));
}

/** A component that names no event, or none that there is, is told of all that its world has. */
function zentinelEvents(supported: readonly string[]): ReadonlySet<AgentEvent> {
  const named = supported.map((name) => ZENTINEL_EVENTS[name.toLowerCase().replaceAll("_", "-")]);
  const known = named.filter((event) => event !== undefined);
  return new Set(known.length === 0 ? Object.values(ZENTINEL_EVENTS) : known);
}

/** The hooks that a component has, by ours. */
function boundAgent(exports: Exports | PromisedExports): BoundAgent {
  const { lifecycle, requestHandler, requestBodyHandler, responseHandler, responseBodyHandler } = exports;
  const { completionHandler, websocketHandler, guardrailHandler } = exports;
  return {
    describe: () => lifecycle!.describe(),
    configure: (config) => lifecycle!.configure(config),
    health: () => lifecycle!.health(),
    drain: (reason) => lifecycle!.drain(reason),
    shutdown: (reason) => lifecycle!.shutdown(reason),
    ...(requestHandler && { onRequestHeaders: (request) => requestHandler.onRequestHeaders(request) }),
    ...(requestBodyHandler && {
      onRequestBody: (request, { data, index, last }) => {
        return requestBodyHandler.onRequestBody(request, data, index, last);
      },
    }),
    ...(responseHandler && {
      onResponseHeaders: (request, response) => responseHandler.onResponseHeaders(request, response),
    }),
    ...(responseBodyHandler && {
      onResponseBody: (request, response, { data, index, last }) => {
        return responseBodyHandler.onResponseBody(request, response, data, index, last);
      },
    }),
    ...(completionHandler && {
      onRequestComplete: (request, summary) => completionHandler.onRequestComplete(request, summary),
    }),
    ...(websocketHandler && {
      wsOpen: (request) => websocketHandler.wsOpen(request),
      wsFrame: (request, { direction, index, frame }) =>
        websocketHandler.wsFrame(request, direction, index, frame),
      wsClose: (request, reason) => websocketHandler.wsClose(request, reason),
    }),
    ...(guardrailHandler && { guardrailInspect: (subject) => guardrailHandler.guardrailInspect(subject) }),
  };
}

/** A call made while the component is being looked at: what it throws is explained. */
function explained<T>(core: CoreInstance, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    throw core.trapOf(cause);
  }
}

function fill(bytes: Uint8Array, random: Random): void {
  for (let at = 0; at < bytes.length; at += 4) {
    const word = random.u32();
    for (let i = 0; i < 4 && at + i < bytes.length; i++) bytes[at + i] = word >>> (8 * i);
  }
}
