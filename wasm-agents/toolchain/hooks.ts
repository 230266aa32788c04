/** What an author's file can export, and what the component exports because of it. */

/** A function of the author's, and the interface of the contract that it serves. */
export interface Hook {
  /** Name of the exported function in `agent.ts`. */
  readonly name: string;
  /** Name of the interface in WIT. */
  readonly interface: string;
}

/** Every hook. To add one: a row, and a function in `sdk/assembly/handlers/`. */
export const HOOKS: readonly Hook[] = [
  { name: "describe", interface: "lifecycle" },
  { name: "onConfigure", interface: "lifecycle" },
  { name: "onHealth", interface: "lifecycle" },
  { name: "onDrain", interface: "lifecycle" },
  { name: "onShutdown", interface: "lifecycle" },
  { name: "onRequest", interface: "request-handler" },
  { name: "onRequestBody", interface: "request-body-handler" },
  { name: "onResponse", interface: "response-handler" },
  { name: "onResponseBody", interface: "response-body-handler" },
  { name: "onRequestComplete", interface: "completion-handler" },
  { name: "onWebSocketOpen", interface: "websocket-handler" },
  { name: "onWebSocketFrame", interface: "websocket-handler" },
  { name: "onWebSocketClose", interface: "websocket-handler" },
  { name: "onGuardrailInspect", interface: "guardrail-handler" },
];

/** A file that cannot become an agent; the message is for its author. */
export class BuildError extends Error {
  override readonly name = "BuildError";
}

/** The interfaces to export for a file that exports the functions `names`. */
export function interfacesFor(names: readonly string[]): ReadonlySet<string> {
  const interfaces = new Set<string>();
  for (const name of names) {
    const hook = HOOKS.find((each) => each.name === name);
    if (hook) interfaces.add(hook.interface);
    else if (/^on[A-Z]/.test(name)) throw new BuildError(`"${name}" is no hook${hint(name)}`);
  }
  if (!names.includes("describe")) {
    throw new BuildError('agent.ts must export a function "describe", which names the agent');
  }
  return interfaces;
}

/** The hook that someone who wrote `name` most likely meant. */
function hint(name: string): string {
  const all = HOOKS.map((hook) => hook.name);
  const near = all.find((each) => each.toLowerCase() === name.toLowerCase()) ??
    all.map((each) => ({ each, score: shared(each, name) })).sort((a, b) => b.score - a.score)[0]!.each;
  return `; did you mean "${near}"? The hooks are ${all.join(", ")}`;
}

/** How many pairs of neighbouring letters two names share, in proportion to their length. */
function shared(a: string, b: string): number {
  const pairs = (text: string) => Array.from({ length: text.length - 1 }, (_, at) => text.slice(at, at + 2));
  const other = new Set(pairs(b));
  return 2 * pairs(a).filter((pair) => other.has(pair)).length / (a.length + b.length);
}
