/** What the admin page `/agents` and `sentinel agent list` show. */

import { instancesMax } from "../agents/options.ts";
import type { AgentOptions } from "../agents/options.ts";
import type { AgentState } from "../agents/runtime/live_agent.ts";

/**
 * How an agent is doing, from best to worst. `live`: answers calls. `draining`: was replaced or removed, requests
 * in flight finish. `paused`: its circuit breaker is open. `out-of-service`: trapped too often, tried again later.
 */
export const AGENT_CONDITIONS = ["live", "draining", "paused", "out-of-service"] as const;

/** One of `AGENT_CONDITIONS`. */
export type AgentCondition = typeof AGENT_CONDITIONS[number];

/** What the supervisor knows of an agent that is served. */
export interface AgentFacts {
  readonly id: string;
  /** Whether the configuration names it, or it lies in the folder of agents. */
  readonly origin: "config" | "dropped";
  readonly path: string;
  /** Size of the file. */
  readonly bytes: number;
  /** SHA-256 of the file, hexadecimal. */
  readonly digest: string;
  /** Such as `sentinel:agent@1.0.0`. */
  readonly world: string;
  /** What it says of itself. */
  readonly version: string;
  readonly summary: string;
  /** Interfaces of the proxy that it imports. */
  readonly asked: readonly string[];
  readonly options: AgentOptions;
}

/** A file that is no agent, and why. When an agent runs under its id, that is what the file was before. */
export interface AgentProblem {
  readonly id?: string | undefined;
  readonly message: string;
}

/** The JSON of `/agents`. */
export interface AgentsView {
  readonly summary: { readonly total: number; readonly live: number; readonly problems: number };
  readonly agents: readonly AgentView[];
  readonly problems: readonly AgentProblem[];
}

/** One agent, all threads together. What is null is not known: of an agent that is draining, its file. */
export interface AgentView {
  readonly id: string;
  readonly condition: AgentCondition;
  readonly version: string | null;
  readonly summary: string | null;
  readonly world: string;
  readonly digest: string;
  readonly origin: "config" | "dropped" | null;
  readonly path: string | null;
  readonly bytes: number | null;
  readonly mode: "live" | "shadow";
  readonly events: readonly string[];
  readonly capabilities: { readonly asked: readonly string[] | null; readonly granted: readonly string[] };
  readonly limits: AgentLimitsView | null;
  /** Of all workers together. `memoryBytes` is that of idle instances. */
  readonly instances: { readonly live: number; readonly idle: number; readonly memoryBytes: number };
  readonly calls: { readonly active: number; readonly waiting: number };
  readonly lastFailure: { readonly kind: string; readonly message: string; readonly at: string } | null;
  /** Workers that have it, and in how many of them it is not live. */
  readonly workers: { readonly total: number; readonly impaired: number };
}

/** The limits of one agent, as configured. */
export interface AgentLimitsView {
  readonly fuel: number;
  readonly configureFuel: number;
  readonly memoryBytes: number;
  readonly instancesPerWorker: number;
  readonly isolation: string;
  readonly resultBytes: number;
  readonly listLength: number;
  readonly timeoutMs: number;
  readonly slowCallMs: number;
  readonly requestBodyBytes: number;
  readonly responseBodyBytes: number;
}

/**
 * Puts together what the supervisor knows and what the threads say: counts are summed, the worst condition counts.
 * An agent and the one that replaces it are two as long as both are there.
 */
export function agentsView(
  facts: readonly AgentFacts[],
  threads: readonly (readonly AgentState[])[],
  problems: readonly AgentProblem[] = [],
): AgentsView {
  const groups = new Map<string, AgentState[]>();
  for (const state of threads.flat()) {
    // An old one with the same file differs from the new one in its options, and in that it is going.
    const key = JSON.stringify([state.id, state.digest, state.isDraining]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [state]);
    else group.push(state);
  }
  const agents = [...groups.values()].map((states) => viewOf(states, facts)).sort(byIdThenCondition);
  return {
    summary: {
      total: agents.length,
      live: agents.filter(({ condition }) => condition === "live").length,
      problems: problems.length,
    },
    agents,
    problems: problems.map(({ id, message }) => id === undefined ? { message } : { id, message }),
  };
}

/** How an agent is doing in one thread. */
export function conditionOf(
  state: Pick<AgentState, "isDraining" | "breaker" | "quarantine">,
): AgentCondition {
  if (state.isDraining) return "draining";
  // While one call is tried nobody else gets through.
  if (state.quarantine !== "in-service") return "out-of-service";
  return state.breaker === "closed" ? "live" : "paused";
}

function viewOf(states: readonly AgentState[], facts: readonly AgentFacts[]): AgentView {
  const first = states[0]!;
  const conditions = states.map(conditionOf);
  const condition = conditions.reduce((a, b) => rank(b) > rank(a) ? b : a);
  const known = first.isDraining
    ? undefined
    : facts.find(({ id, digest }) => id === first.id && digest === first.digest);
  const sum = (read: (state: AgentState) => number) => states.reduce((all, state) => all + read(state), 0);
  return {
    id: first.id,
    condition,
    version: known?.version ?? null,
    summary: known?.summary ?? null,
    world: first.world,
    digest: first.digest,
    origin: known?.origin ?? null,
    path: known?.path ?? null,
    bytes: known?.bytes ?? null,
    mode: first.mode,
    events: first.events,
    capabilities: { asked: known?.asked ?? null, granted: first.grants },
    limits: known === undefined ? null : limitsView(known.options),
    instances: {
      live: sum(({ instances }) => instances),
      idle: sum(({ idleInstances }) => idleInstances),
      memoryBytes: sum(({ memoryBytes }) => memoryBytes),
    },
    calls: { active: sum(({ calls }) => calls), waiting: sum(({ waiting }) => waiting) },
    lastFailure: lastFailure(states),
    workers: { total: states.length, impaired: conditions.filter((each) => each !== "live").length },
  };
}

function limitsView(options: AgentOptions): AgentLimitsView {
  return {
    fuel: options.fuel,
    configureFuel: options.configureFuel,
    memoryBytes: options.memory,
    instancesPerWorker: instancesMax(options),
    isolation: options.isolation,
    resultBytes: options.maxResultBytes,
    listLength: options.maxListLength,
    timeoutMs: options.timeoutMs,
    slowCallMs: options.slowCallMs,
    requestBodyBytes: options.maxRequestBodyBytes,
    responseBodyBytes: options.maxResponseBodyBytes,
  };
}

function lastFailure(states: readonly AgentState[]): AgentView["lastFailure"] {
  let last: AgentState["lastFailure"];
  for (const { lastFailure } of states) {
    if (lastFailure !== undefined && lastFailure.wallMs >= (last?.wallMs ?? 0)) last = lastFailure;
  }
  if (last === undefined) return null;
  return { kind: last.kind, message: last.message, at: new Date(last.wallMs).toISOString() };
}

function rank(condition: AgentCondition): number {
  return AGENT_CONDITIONS.indexOf(condition);
}

function byIdThenCondition(a: AgentView, b: AgentView): number {
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return rank(a.condition) - rank(b.condition);
}
