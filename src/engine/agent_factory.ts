import type { SignatureVerifier } from "../agents/host/crypto.ts";
import type { HttpFetch } from "../agents/host/fetch.ts";
import { grantImports } from "../agents/host/grant_imports.ts";
import type { HostMeter } from "../agents/host/capability.ts";
import type { MetricStore } from "../agents/host/metric_store.ts";
import type { AgentOptions } from "../agents/options.ts";
import type { AgentSpec } from "../agents/runtime/agent_spec.ts";
import type { InstanceFactory, RequestView } from "../agents/runtime/bound_agent.ts";
import { componentFactory } from "../agents/runtime/component_factory.ts";
import { Payer } from "../agents/runtime/payer.ts";
import { assert } from "../core/assert.ts";
import type { Ports } from "../core/ports.ts";
import type { SharedMemory, SharedNeed } from "../core/shared_memory.ts";
import { kvBytes, SharedKv } from "../counters/shared_kv.ts";
import type { AgentComponent } from "./agent_plan.ts";

/** What agents may reach of the world outside, where they are granted it. */
export interface AgentPorts {
  readonly verifier: SignatureVerifier;
  readonly transport: HttpFetch;
}

/** What an agent's instances are made with. */
export interface AgentFactoryDeps {
  readonly ports: Pick<Ports, "clock" | "random" | "log">;
  readonly agentPorts: AgentPorts;
  readonly shared: SharedMemory;
  readonly metrics: MetricStore;
  readonly meter: Omit<HostMeter, "work">;
}

/** Makes instances of an agent with what it is granted. Throws when its component cannot be bound. */
export function agentFactory(spec: AgentSpec<AgentComponent>, deps: AgentFactoryDeps): InstanceFactory {
  const { id, component, options } = spec;
  const { clock, random, log } = deps.ports;
  const payer = new Payer();
  const { allow = [], timeoutMs = 0, maxResponseBytes = 0 } = options.fetch ?? {};
  const imports = grantImports(new Set(options.grant), {
    agent: id,
    meter: chargingMeter(deps.meter, payer),
    clock,
    random,
    log,
    metrics: deps.metrics,
    assets: new Map(component.assets.map(({ name, ...asset }) => [name, asset])),
    kv: kvOf(options, deps),
    verifier: deps.agentPorts.verifier,
    fetch: {
      policy: { origins: allow, timeoutMs, responseBytesMax: maxResponseBytes },
      transport: deps.agentPorts.transport,
    },
    connections: { of: (request) => connectionFact(request as RequestView) },
  });
  const { compiled, image } = component;
  return componentFactory(compiled, { imports, options, payer, image, clock, random, log });
}

/** Counts calls, and lets the instance that makes them pay for what the host does: a unit is about a nanosecond. */
function chargingMeter(meter: Omit<HostMeter, "work">, payer: Payer): HostMeter {
  return {
    call: (capability, bytes) => meter.call(capability, bytes),
    work: (_capability, nanoseconds) => payer.charge(Math.ceil(nanoseconds)),
    answer: (capability, bytes) => meter.answer(capability, bytes),
    refused: (capability, reason) => meter.refused(capability, reason),
  };
}

/** The memory of an agent's shared values; undefined when it is not granted any. */
export function agentKvNeed({ id, grant, kv }: AgentOptions): SharedNeed | undefined {
  if (!grant.includes("kv")) return undefined;
  // By its layout: tables of as many bytes may differ in it.
  return { key: `agent-kv:${id}:${kv.maxEntries}:${kv.maxBytes}`, bytes: kvBytes(kv) };
}

function kvOf(options: AgentOptions, { shared, ports }: AgentFactoryDeps): SharedKv | undefined {
  const need = agentKvNeed(options);
  if (need === undefined) return undefined;
  const memory = shared[need.key];
  assert(memory !== undefined, `shared memory "${need.key}" was allocated`);
  return new SharedKv(memory, { ...options.kv, random: ports.random });
}

function connectionFact(request: RequestView) {
  return {
    clientAddress: request.clientAddress(),
    clientPort: request.clientPort(),
    tls: request.tls(),
  };
}
