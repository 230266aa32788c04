/**
 * Compiles one file of the firewall's guest code to a core module and runs it right here, so that a part can be
 * tested without the agent around it. The file exports functions over numbers and addresses; it may import
 * `sentinel/…` (the SDK) and its neighbours by relative paths, as it does inside the agent.
 */

import * as asc from "assemblyscript/asc";

const SDK = new URL("../../sdk/assembly/", import.meta.url);
const WAF = new URL("../", import.meta.url);

/** Where the compiler looks for packages. */
const PACKAGES = "node_modules/";

const ENTRY = "entry.ts";

/** As the agents are built (`toolchain/assemble.ts`), plus the names of functions for readable traps. */
const OPTIONS = [
  ["--runtime", "stub"],
  ["--optimizeLevel", "3"],
  ["--shrinkLevel", "1"],
  ["--use", "abort="],
  ["--debug"],
].flat();

/** Every module compiled in this process, by its entry: the compiler takes a second or two. */
const compiled = new Map<string, Promise<Uint8Array<ArrayBuffer>>>();

/** Arguments of a guest function: numbers, and bytes that are put into the guest's memory as address and length. */
export type ProbeArgument = number | Uint8Array | string;

/** Functions for the guest's imports, by module and name; what is missing throws when it is called. */
export type ProbeImports = Readonly<
  Record<string, Readonly<Record<string, (...args: never[]) => unknown>>>
>;

/**
 * Compiles `path`, a file below `wasm-agents/waf/` such as `regex/regex_probe.ts`, and makes an instance of it.
 * Each call gives a fresh instance. Throws an `Error` with the compiler's messages.
 */
export async function compileProbe(path: string, imports: ProbeImports = {}): Promise<Probe> {
  return new Probe(await compileModule(path), imports);
}

/** The core module of `path` alone, for those who pass it on, for instance through the fuel pass. */
export function compileModule(path: string): Promise<Uint8Array<ArrayBuffer>> {
  let module = compiled.get(path);
  if (!module) compiled.set(path, module = assembleProbe(path));
  return module;
}

/** An instance of guest code. What a call takes of the guest's memory stays until `end` or `keep`. */
export class Probe {
  readonly memory: WebAssembly.Memory;
  readonly exports: Readonly<Record<string, (...args: number[]) => number>>;

  /** `start` is for code that does not start by itself. */
  constructor(
    code: Uint8Array<ArrayBuffer>,
    imports: ProbeImports = {},
    start?: (exports: Probe["exports"]) => void,
  ) {
    const module = new WebAssembly.Module(code);
    const instance = new WebAssembly.Instance(module, completed(module, imports));
    this.exports = instance.exports as never;
    start?.(this.exports);
    this.memory = instance.exports.memory as WebAssembly.Memory;
    // What the tops of the guest's files made stays.
    this.keep();
  }

  /** Puts bytes into the guest's memory; a string becomes one byte for each unit (latin1). */
  put(value: Uint8Array | string): { readonly at: number; readonly length: number } {
    const bytes = typeof value === "string" ? latin1(value) : value;
    const at = this.exports.cabi_realloc!(0, 0, 8, bytes.length);
    new Uint8Array(this.memory.buffer).set(bytes, at);
    return { at, length: bytes.length };
  }

  /** Calls a function; bytes among the arguments become two numbers, where they lie and how many they are. */
  call(name: string, ...args: readonly ProbeArgument[]): number {
    const run = this.exports[name];
    if (!run) throw new Error(`the guest exports no function "${name}"`);
    const numbers: number[] = [];
    for (const arg of args) {
      if (typeof arg === "number") {
        numbers.push(arg);
        continue;
      }
      const { at, length } = this.put(arg);
      numbers.push(at, length);
    }
    return run(...numbers);
  }

  /** A copy of `length` bytes at an address. */
  bytes(at: number, length: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.memory.buffer).slice(at, at + length);
  }

  /** The same bytes as a string with one unit for each byte (latin1). */
  latin1(at: number, length: number): string {
    return String.fromCharCode(...this.bytes(at, length));
  }

  /** The same bytes as text. */
  text(at: number, length: number): string {
    return new TextDecoder().decode(this.bytes(at, length));
  }

  /** `count` numbers of 32 bits with a sign. */
  words(at: number, count: number): Int32Array {
    return new Int32Array(this.bytes(at, 4 * count).buffer);
  }

  /** The bytes that a `Bytes` or `Text` object of the guest means (its address is what a guest function returns). */
  object(at: number): Uint8Array<ArrayBuffer> {
    const [start, length] = this.words(at, 2);
    return this.bytes(start!, length!);
  }

  /** Ends the call as the host does: the memory taken since the last end goes back, unless something kept it. */
  end(): void {
    this.exports.endCall!();
  }

  /** Ends the call and keeps its memory, as `onConfigure` does. */
  keep(): void {
    this.exports.keepCall!();
    this.exports.endCall!();
  }

  /** What the guest's objects take together, in bytes. */
  get bytesUsed(): number {
    return this.exports.bytesUsed!();
  }
}

/** The bytes of a string that has none above U+00FF. */
export function latin1(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

async function assembleProbe(path: string): Promise<Uint8Array<ArrayBuffer>> {
  asc.libraryFiles["rt/index-stub"] = 'import "sentinel/arena";';
  const entry = [
    'export { bytesUsed, cabi_realloc, endCall, keepCall } from "sentinel/arena";',
    `export * from "agent/${path.replace(/\.ts$/, "")}";`,
  ].join("\n");
  let module: Uint8Array<ArrayBuffer> | undefined;
  const { error, stderr } = await asc.main([ENTRY, "--outFile", "probe.wasm", ...OPTIONS], {
    readFile: (name) => name === ENTRY ? entry : packageFile(name),
    writeFile: (name, contents) => {
      if (name === "probe.wasm") {
        module = new Uint8Array(contents as Uint8Array);
      }
    },
    listFiles: () => [],
  });
  const messages = stderr.toString()
    .replaceAll("~lib/agent/", WAF.pathname)
    .replaceAll("~lib/sentinel/", SDK.pathname).trim();
  if (!error && module && messages === "") return module;
  throw new Error(
    `${messages}\n${error?.message ?? ""}`.trim() ||
      "the compiler wrote nothing",
  );
}

function packageFile(path: string): string | null {
  if (!path.startsWith(PACKAGES)) return null;
  const [name, ...rest] = path.slice(PACKAGES.length).split("/");
  const inner = rest.join("/");
  if (name === "sentinel") {
    return read(new URL(inner === "index.ts" ? "sentinel.ts" : inner, SDK));
  }
  if (name === "agent") return read(new URL(inner, WAF));
  return null;
}

/** Decorators of functions stand behind `// asc:`, because the formatter takes them away. */
function read(file: URL): string | null {
  try {
    return Deno.readTextFileSync(file).replace(/^\/\/ asc: (@.*)$/gm, "$1");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return null;
    throw error;
  }
}

function completed(module: WebAssembly.Module, given: ProbeImports): WebAssembly.Imports {
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: owner, name } of WebAssembly.Module.imports(module)) {
    (imports[owner] ??= {})[name] = given[owner]?.[name] as WebAssembly.ImportValue ?? (() => {
      throw new Error(`the guest called ${owner} ${name}, which the test does not have`);
    });
  }
  return imports;
}
