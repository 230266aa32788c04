import { AgentLoadError } from "../agents/guest.ts";
import { dataUrlBytes } from "../core/data_url.ts";
import { agentPath } from "./bundled_agents.ts";
import { Mutex } from "./mutex.ts";

/** An agent's file and how it is to be compiled. */
export interface AgentFile<Limits> {
  readonly id: string;
  /** Path of the component. */
  readonly path: string;
  /** Digest that the file must have, 64 hexadecimal digits. */
  readonly sha256?: string | undefined;
  readonly limits: Limits;
}

/** A component that is ready to be instantiated in any thread. */
export interface LoadedAgent<Compiled> {
  readonly id: string;
  readonly path: string;
  /** SHA-256 of the file, 64 lower-case hexadecimal digits. */
  readonly digest: string;
  /** Size of the file. */
  readonly bytes: number;
  readonly compiled: Compiled;
}

/** What became of one file. */
export type AgentLoad<Compiled> =
  | { readonly type: "loaded"; readonly agent: LoadedAgent<Compiled> }
  | {
    readonly type: "problem";
    readonly id: string;
    /** A sentence that names the agent and the file. */
    readonly problem: string;
  };

/** How files become components; tests put one of their own in. */
export interface AgentCompiler<Compiled, Limits> {
  /** Makes a component of a file and checks that it is an agent. Throws `AgentLoadError` when it is none. */
  compile(bytes: Uint8Array<ArrayBuffer>, limits: Limits): Compiled | Promise<Compiled>;
  /** Size above which a file is not read. */
  bytesMax(limits: Limits): number;
}

/**
 * Reads and compiles agents once for all threads: an unchanged file with unchanged limits keeps its compiled
 * component, and what nobody uses any more is forgotten.
 */
export class AgentStore<Compiled, Limits> {
  readonly #compiler: AgentCompiler<Compiled, Limits>;
  readonly #exclusive = new Mutex();
  /** By digest and limits: what is served, and what the last load gave. */
  readonly #compiled = new Map<string, Compiled>();
  #served: readonly LoadedAgent<Compiled>[] = [];

  constructor(compiler: AgentCompiler<Compiled, Limits>) {
    this.#compiler = compiler;
  }

  /** How many compiled components are kept. */
  get size(): number {
    return this.#compiled.size;
  }

  /** Loads all files of a configuration, in their order. A bad file spoils only itself. */
  load(files: readonly AgentFile<Limits>[]): Promise<readonly AgentLoad<Compiled>[]> {
    return this.#exclusive.run(async () => {
      const loads: AgentLoad<Compiled>[] = [];
      // One after the other: compiling is work of this thread anyway, and so only one file is held at a time.
      for (const file of files) loads.push(await this.#load(file));
      this.#forgetExcept(loads.flatMap((load) => load.type === "loaded" ? [load.agent] : []));
      return loads;
    });
  }

  /** Says what is served from now on: all others are forgotten. */
  serve(agents: Iterable<LoadedAgent<Compiled>>): void {
    this.#served = [...agents];
    this.#forgetExcept([]);
  }

  async #load(file: AgentFile<Limits>): Promise<AgentLoad<Compiled>> {
    const { id, path, sha256, limits } = file;
    const bad = (problem: string): AgentLoad<Compiled> => ({ type: "problem", id, problem });
    const cannot = `Cannot load agent "${id}" from ${path}`;
    let bytes: Uint8Array<ArrayBuffer>;
    try {
      bytes = await readAgentBytes(await agentPath(path), this.#compiler.bytesMax(limits));
    } catch (cause) {
      if (!(cause instanceof AgentLoadError)) throw cause;
      return bad(`${cannot}: ${cause.message}`);
    }
    const digest = await sha256Of(bytes);
    if (sha256 !== undefined && sha256.toLowerCase() !== digest) {
      return bad(`${cannot}: its SHA-256 is ${digest}, where ${sha256.toLowerCase()} is demanded`);
    }
    const key = JSON.stringify([digest, limits]);
    let compiled = this.#compiled.get(key);
    try {
      compiled ??= await this.#compiler.compile(bytes, limits);
    } catch (cause) {
      if (!(cause instanceof AgentLoadError)) throw cause;
      return bad(`${cannot}: ${cause.message}`);
    }
    this.#compiled.set(key, compiled);
    return { type: "loaded", agent: { id, path, digest, bytes: bytes.length, compiled } };
  }

  #forgetExcept(agents: readonly LoadedAgent<Compiled>[]): void {
    const kept = new Set<Compiled>();
    for (const { compiled } of agents) kept.add(compiled);
    for (const { compiled } of this.#served) kept.add(compiled);
    for (const [key, compiled] of this.#compiled) if (!kept.has(compiled)) this.#compiled.delete(key);
  }
}

/** The digest of a file's content, 64 lower-case hexadecimal digits. */
export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

/**
 * Reads a regular file of bounded size, which must not change meanwhile; a `data:` URL is its own content. Throws
 * `AgentLoadError` when that cannot be done.
 */
export async function readAgentBytes(path: string, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  const inline = dataUrlBytes(path);
  if (inline !== undefined) {
    if (inline.length <= bytesMax) return inline;
    throw new AgentLoadError(`it has ${inline.length} bytes, and at most ${bytesMax} are allowed`);
  }
  try {
    return await readWhole(path, bytesMax);
  } catch (cause) {
    throw cause instanceof AgentLoadError ? cause : new AgentLoadError(explain(cause), { cause });
  }
}

async function readWhole(path: string, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
  // Opening a pipe would wait for somebody who writes to it.
  if (!(await Deno.stat(path)).isFile) throw new AgentLoadError("it is no regular file");
  using file = await Deno.open(path);
  const before = await file.stat();
  if (before.size > bytesMax) {
    throw new AgentLoadError(`it has ${before.size} bytes, and at most ${bytesMax} are allowed`);
  }
  const bytes = new Uint8Array(before.size);
  for (let at = 0; at < bytes.length;) {
    const count = await file.read(bytes.subarray(at));
    if (count === null) throw new AgentLoadError("it became shorter while it was read");
    at += count;
  }
  const after = await file.stat();
  if (after.size !== before.size || after.mtime?.getTime() !== before.mtime?.getTime()) {
    throw new AgentLoadError("it was written to while it was read");
  }
  return bytes;
}

function explain(cause: unknown): string {
  if (cause instanceof Deno.errors.NotFound) return "there is no such file";
  if (cause instanceof Deno.errors.PermissionDenied) return "permission denied";
  return cause instanceof Error ? cause.message : String(cause);
}
