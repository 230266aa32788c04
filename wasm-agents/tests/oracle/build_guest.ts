/** Builds the guests, and binds them with the bindings that jco generates. */

import { $init, generate } from "@bytecodealliance/jco-transpile/component";
import { componentEmbed, componentNew, parse } from "@bytecodealliance/jco-transpile/wasm-tools";

/** A guest as both sides need it. */
export interface BuiltGuest {
  readonly component: Uint8Array;
  /** A new instance with jco's bindings: exports by interface, such as `handler`. */
  instantiate(
    imports: Readonly<Record<string, unknown>>,
  ): Record<string, Record<string, JcoFunction>>;
}

/** An export as jco binds it. */
export type JcoFunction = (...args: unknown[]) => unknown;

type Instantiate = (
  coreModule: (name: string) => WebAssembly.Module,
  imports: Readonly<Record<string, unknown>>,
) => Record<string, Record<string, JcoFunction>>;

/** Builds a component of a core module's text and a WIT file's world `agent`. */
export async function buildGuest(
  text: string,
  witFile: string,
): Promise<BuiltGuest> {
  const witSource = await Deno.readTextFile(
    new URL(`../../wit/${witFile}`, import.meta.url),
  );
  const binary = await componentEmbed({
    binary: await parse(text),
    witSource,
    world: "agent",
  });
  const component = await componentNew(binary, []);
  await $init;
  const { files } = generate(component, {
    name: "guest",
    noTypescript: true,
    instantiation: { tag: "sync" },
    noNodejsCompat: true,
  });
  const modules = new Map<string, WebAssembly.Module>();
  let source = "";
  for (const [name, bytes] of files) {
    if (name.endsWith(".wasm")) {
      modules.set(name, new WebAssembly.Module(bytes.slice()));
    } else if (name.endsWith(".js")) source = new TextDecoder().decode(bytes);
  }
  const instantiate = moduleFunction(source);
  return {
    component,
    instantiate: (imports) => instantiate((name) => modules.get(name)!, imports),
  };
}

function moduleFunction(source: string): Instantiate {
  const plain = source.replace(/^export /gm, "");
  return new Function(`${plain}\nreturn instantiate;`)() as Instantiate;
}
