import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { compileComponent } from "../../src/agents/wasm/compile_component.ts";
import { DEFAULT_COMPONENT_LIMITS } from "../../src/agents/wasm/component_limits.ts";
import { agentNames, buildAgent } from "../build.ts";

const HERE = new URL("../", import.meta.url);

/** Bytes of a bundled component; most of it is the text of its types. */
const COMPONENT_BYTES_MAX = 64 * 1024;

/** What is more than an example: a rule language, expressions, parsers of every kind of body. */
const BIGGER: Readonly<Record<string, number>> = { waf: 576 * 1024 };

Deno.test("build: dist/ has the components of the sources and nothing else; else run build.ts", async () => {
  const names = await agentNames();
  ok(names.length >= 3, "there are agents to build");
  const present = [...Deno.readDirSync(new URL("dist/", HERE))].map(({ name }) => name).sort();
  deepEqual(present, names.map((name) => `${name}.wasm`));
  for (const name of names) {
    const { component } = await buildAgent(new URL(`${name}/`, HERE));
    const committed = await Deno.readFile(new URL(`dist/${name}.wasm`, HERE));
    ok(component.length === committed.length && component.every((byte, at) => byte === committed[at]), name);
    const most = BIGGER[name] ?? COMPONENT_BYTES_MAX;
    ok(component.length <= most, `${name} has ${component.length} bytes`);
  }
});

Deno.test("build: a component has the interfaces that its source uses, and no others", async () => {
  const interfaces = (functions: Readonly<Record<string, string>>) =>
    [...new Set(Object.keys(functions).map((key) => key.split("#")[0]))].sort();
  const { component } = await agentOf(`
    import { clock, Decision, Description, Request, Response } from "sentinel";
    export function describe(): Description { return new Description("a", "1", ""); }
    export function onResponse(request: Request, response: Response): Decision {
      return clock.wallMs() > 0 && response.status > 0 ? Decision.allow() : Decision.deny();
    }`);
  const { exports, imports, world } = compileComponent(component, DEFAULT_COMPONENT_LIMITS);
  deepEqual(world, { package: "sentinel:agent", version: "1.0.0" });
  deepEqual(interfaces(exports), ["lifecycle", "response-handler"]);
  deepEqual(Object.keys(imports).sort(), ["clock#wall-ms", "http#[method]response.status"]);
});

Deno.test("build: what is wrong with a source is said in its author's words", async () => {
  const describe = 'import { Description } from "sentinel";\n' +
    'export function describe(): Description { return new Description("a", "1", ""); }\n';
  const cases = [
    { source: "export const a = 1;", want: /must export a function "describe"/ },
    {
      source: `${describe}export function onRequst(): void {}`,
      want: /"onRequst" is no hook; did you mean "onRequest"\?/,
    },
    {
      source: `${describe}export function onrequest(): void {}\nexport { onrequest as onREQUEST };`,
      want: /did you mean "onRequest"/,
    },
    {
      source: `${describe}export function onDrain(_: u8): i32 { return "text"; }`,
      want: /agent\.ts\(3,/,
    },
    {
      source: `${describe}export function onHealth(): i32 { return 1; }`,
      want: /a hook of agent\.ts has other parameters or another result/,
    },
    { source: `${describe}}}}`, want: /agent\.ts\(3,/ },
    {
      source: `${describe}import { a } from "./missing";\nexport function onDrain(_: u8): void { a(); }`,
      want: /missing/,
    },
  ];
  for (const { source, want } of cases) {
    await rejects(agentOf(source), (error: Error) => {
      equal(error.name, "BuildError");
      match(error.message, want);
      return true;
    });
  }
  await rejects(buildAgent(new URL("no-such-agent/", HERE)), { name: "BuildError", message: /no agent\.ts/ });
});

/** Builds a source in a folder of its own. */
async function agentOf(source: string) {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/agent.ts`, source);
    return await buildAgent(new URL(`file://${folder}/`));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
