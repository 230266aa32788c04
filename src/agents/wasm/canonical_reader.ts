import type { BinaryReader } from "./binary_reader.ts";
import type { CanonicalOptions, CoreItem, Scope } from "./component_scope.ts";
import {
  FLAT_PARAMETERS_MAX,
  FLAT_RESULTS_MAX,
  type FunctionType,
  liftedSignature,
  loweredSignature,
  postReturnSignature,
} from "./component_types.ts";
import type { CoreSource } from "./link_plan.ts";
import type { LinkState } from "./link_state.ts";

const OPTIONS_MAX = 16;
const REALLOC_SIGNATURE = "iiii:i";

/** Stands for every call from one component of a file to another: the host grants no import of this name. */
const INNER_CALL = "another component of the file";

interface Walk {
  readonly scope: Scope;
  readonly state: LinkState;
}

/** Reads one canonical definition, which joins a core function and a component's function. */
export function readCanonical(body: BinaryReader, walk: Walk): void {
  const start = body.offset;
  const code = body.byte();
  if (code === 0 && body.byte() === 0) lift(body, walk);
  else if (code === 1 && body.byte() === 0) lower(body, walk);
  else if (code === 3) dropResource(body, walk.scope);
  else if (code === 2 || code === 4) body.fail("resources of the component's own are not supported", start);
  else body.fail(`the canonical definition 0x${code.toString(16)} is not supported`, start);
}

function lift(body: BinaryReader, { scope }: Walk): void {
  const start = body.offset;
  const call = coreFunction(body, scope);
  const found = options(body, scope);
  const type = scope.types[body.u32()];
  if (type?.type !== "function") body.fail("lifted to what is not the type of a function", start);
  for (const each of [call, found.realloc, found.postReturn]) {
    if (each?.source.type === "import") {
      body.fail("a function of the host is lifted as one of the component", start);
    }
  }
  if (call.signature !== liftedSignature(type)) {
    body.fail(`a core function of type ${call.signature} is lifted to ${type.text}`, start);
  }
  if (found.postReturn && found.postReturn.signature !== postReturnSignature(type)) {
    body.fail("the function to call after the return has another type", start);
  }
  requireMemory(body, { type, found, start, direction: "lift" });
  scope.functions.push({ origin: "lift", type, call: call.source, options: sources(found) });
}

function lower(body: BinaryReader, { scope, state }: Walk): void {
  const start = body.offset;
  const value = scope.functions[body.u32()];
  const found = options(body, scope);
  if (!value) body.fail("a function that does not exist", start);
  if (found.postReturn) body.fail("a lowered function is given a function to call after the return", start);
  requireMemory(body, { type: value.type, found, start, direction: "lower" });
  // Toolchains leave calls between the components of a file that are never made when it runs; one that is made traps.
  const key = value.origin === "host" ? value.key : INNER_CALL;
  if (value.origin === "host") state.lowered.push({ key, options: sources(found) });
  const source: CoreSource = { type: "import", key };
  scope.core.function.push({ sort: "function", source, signature: loweredSignature(value.type) });
}

function dropResource(body: BinaryReader, scope: Scope): void {
  const start = body.offset;
  const type = scope.types[body.u32()];
  if (type?.type !== "resource") body.fail("a drop of what is no resource", start);
  if (type.owner === undefined) body.fail("resources of the component's own are not supported", start);
  const source: CoreSource = { type: "import", key: `${type.owner}#[resource-drop]${type.name}` };
  scope.core.function.push({ sort: "function", source, signature: "i:" });
}

function coreFunction(body: BinaryReader, scope: Scope): CoreItem {
  const start = body.offset;
  return scope.core.function[body.u32()] ?? body.fail("a core function that does not exist", start);
}

interface FoundOptions {
  memory?: CoreItem;
  realloc?: CoreItem;
  postReturn?: CoreItem;
}

function sources(found: FoundOptions): CanonicalOptions {
  return {
    memory: found.memory?.source,
    realloc: found.realloc?.source,
    postReturn: found.postReturn?.source,
  };
}

function options(body: BinaryReader, scope: Scope): FoundOptions {
  const found: FoundOptions = {};
  const seen = new Set<number>();
  for (let left = body.count(OPTIONS_MAX, "options"); left > 0; left--) {
    const start = body.offset;
    const code = body.byte();
    if (seen.has(code)) body.fail("an option comes twice", start);
    seen.add(code);
    switch (code) {
      case 0: // Strings in UTF-8.
        break;
      case 1:
      case 2:
        body.fail("strings must be in UTF-8", start);
        break;
      case 3:
        found.memory = scope.core.memory[body.u32()] ?? body.fail("a memory that does not exist", start);
        break;
      case 4:
        found.realloc = coreFunction(body, scope);
        if (found.realloc.signature !== REALLOC_SIGNATURE) body.fail("the allocator has another type", start);
        break;
      case 5:
        found.postReturn = coreFunction(body, scope);
        break;
      default:
        body.fail(`the canonical option ${code} is not supported`, start);
    }
  }
  return found;
}

/** Refuses a function that moves values through memory without saying through which. */
function requireMemory(
  body: BinaryReader,
  { type, found, start, direction }: {
    type: FunctionType;
    found: FoundOptions;
    start: number;
    direction: "lift" | "lower";
  },
): void {
  const parameters = type.parametersPoint || type.parameters.length > FLAT_PARAMETERS_MAX;
  const result = type.resultPoints || type.results.length > FLAT_RESULTS_MAX;
  if ((parameters || result) && !found.memory) body.fail(`${type.text} needs a memory`, start);
  const allocates = direction === "lift" ? parameters : type.resultPoints;
  if (allocates && !found.realloc) body.fail(`${type.text} needs an allocator`, start);
}
