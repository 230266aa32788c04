/** The attacks of `attacks/` as components: each is its world's shell around a core module of its own. */

const FOLDER = new URL("attacks/", import.meta.url).pathname;

/** The worlds that there are attacks on. */
export type World = "zentinel" | "sentinel";

/** A prebuilt fixture agent, by language. */
export function fixture(language: "c" | "rust" | "js"): Promise<Uint8Array<ArrayBuffer>> {
  return Deno.readFile(new URL(`../../wasm-agents/fixtures/guard_${language}.wasm`, import.meta.url));
}

/** The names of all attacks on a world, in alphabetical order. */
export function attacksOn(world: World): string[] {
  return [...Deno.readDirSync(FOLDER + world)].map(({ name }) => name.replace(/\.wasm(\.gz)?$/, "")).sort();
}

/** The component that attacks a world in the named way. */
export async function attack(world: World, name: string): Promise<Uint8Array<ArrayBuffer>> {
  return withCore(
    await Deno.readFile(`${FOLDER}shell_${world}.wasm`),
    await core(`${FOLDER}${world}/${name}`),
  );
}

async function core(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(`${path}.wasm`);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    using file = await Deno.open(`${path}.wasm.gz`);
    const inflated = file.readable.pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(inflated).arrayBuffer());
  }
}

/** Replaces the first core module, which is section 1 of a component. */
function withCore(shell: Uint8Array, core: Uint8Array): Uint8Array<ArrayBuffer> {
  let at = 8;
  while (at < shell.length) {
    const start = at;
    const id = shell[at++];
    let size = 0;
    for (let shift = 0;; shift += 7) {
      const byte = shell[at++] ?? 0;
      size += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) break;
    }
    if (id === 1) return joined([shell.subarray(0, start), section(1, core), shell.subarray(at + size)]);
    at += size;
  }
  throw new Error("The shell has no core module");
}

function section(id: number, content: Uint8Array): Uint8Array {
  const head = [id];
  let size = content.length;
  for (; size > 0x7f; size >>>= 7) head.push((size & 0x7f) | 0x80);
  return joined([Uint8Array.from([...head, size]), content]);
}

function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
