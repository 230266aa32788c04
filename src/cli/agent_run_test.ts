import assert from "node:assert/strict";
import { attack, fixture } from "../../tests/agents/corpus.ts";
import { agentInspectVerb } from "./agent_inspect.ts";
import { agentRunVerb } from "./agent_run.ts";
import type { AgentRunOptions } from "./agent_run.ts";
import type { Terminal } from "./terminal.ts";

interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

async function captured(run: (terminal: Terminal) => Promise<number>): Promise<Outcome> {
  const texts = { out: "", err: "" };
  const status = await run({
    out: (text) => texts.out += `${text}\n`,
    err: (text) => texts.err += `${text}\n`,
    env: () => undefined,
    color: false,
  });
  return { status, ...texts };
}

/** A folder with the agents that the tests use. */
class Stage implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(): Promise<Stage> {
    const stage = new Stage(await Deno.makeTempDir());
    await Deno.writeFile(stage.path("guard"), await fixture("c"));
    return stage;
  }

  path(name: string): string {
    return `${this.folder}/${name}.wasm`;
  }

  run(options: Partial<AgentRunOptions> = {}, file = "guard"): Promise<Outcome> {
    const typed: AgentRunOptions = {
      request: "GET https://a.example/x",
      header: [],
      client: "127.0.0.1",
      responseStatus: "200",
      responseHeader: [],
      ...options,
    };
    return captured((terminal) => agentRunVerb(this.path(file), typed, terminal));
  }

  inspect(file: string, json?: true): Promise<Outcome> {
    return captured((terminal) =>
      agentInspectVerb(this.path(file), json === undefined ? {} : { json }, terminal)
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}

const RULES = '{"prefix":"/admin","word":"attack"}';

Deno.test("agent run: allows, with header edits, fuel, time and memory", async () => {
  await using stage = await Stage.make();
  const { status, out, err } = await stage.run({ config: RULES });
  assert.equal(err, "");
  assert.equal(status, 0);
  assert.match(out, /^agent {5}guard 1\.0\.0 \(zentinel:agent@2\.0\.0\)$/m);
  assert.match(out, /^handles {3}request-headers,request-body$/m);
  assert.match(out, /^request {3}GET https:\/\/a\.example\/x from 127\.0\.0\.1$/m);
  assert.match(out, /^request-headers {3}allow {2}\(fuel [1-9]\d+, \d+\.\d{3} ms\)$/m);
  assert.match(out, /^ {2}request header {2}set x-waf: clean$/m);
  assert.match(out, /^memory {4}\d+ KiB$/m);
  assert.match(out, /^verdict {3}allow$/m);
});

Deno.test("agent run: a refusal by path, header or body has a status of its own", async () => {
  await using stage = await Stage.make();
  const admin = { config: RULES, request: "GET https://a.example/admin/x" };
  const blocked = await stage.run(admin);
  assert.equal(blocked.status, 3);
  assert.match(blocked.out, /^request-headers {3}block \d{3} /m);
  assert.match(blocked.out, /^verdict {3}block$/m);
  assert.equal((await stage.run({ ...admin, header: ["Authorization: Basic x"] })).status, 0);
  await Deno.writeTextFile(`${stage.folder}/rules.json`, RULES);
  await Deno.writeTextFile(`${stage.folder}/body.txt`, "this is an attack");
  const files = { config: `@${stage.folder}/rules.json`, body: `@${stage.folder}/body.txt` };
  const byBody = await stage.run(files);
  assert.equal(byBody.status, 3);
  assert.match(byBody.out, /^request-body {6}block 403 /m);
  assert.equal((await stage.run({ ...files, body: "harmless" })).status, 0);
});

Deno.test("agent run: JSON for programs", async () => {
  await using stage = await Stage.make();
  const { status, out } = await stage.run({ config: RULES, json: true, body: "x" });
  const value = JSON.parse(out) as {
    verdict: string;
    hooks: { hook: string; fuel: number; outcome: { decision: { type: string } } }[];
    sent: { headers: { name: string; value: string }[] };
  };
  assert.equal(status, 0);
  assert.equal(value.verdict, "allow");
  assert.deepEqual(value.hooks.map(({ hook }) => hook), ["request-headers", "request-body"]);
  assert.ok(value.hooks.every(({ fuel }) => fuel > 0));
  assert.ok(value.sent.headers.some(({ name, value }) => name === "x-waf" && value === "clean"));
});

Deno.test("agent run: an agent that fails, says why and is a failure", async () => {
  await using stage = await Stage.make();
  const starved = await stage.run({ config: RULES, fuel: "1000" });
  assert.equal(starved.status, 1);
  assert.match(starved.out, /^request-headers {3}failed {2}\(fuel \d+/m);
  assert.match(starved.out, /^ {2}fuel {12}it used up its fuel$/m);
  const refused = await stage.run({ config: '{"nonsense":"1"}' });
  assert.equal(refused.status, 1);
  assert.match(refused.err, /^sentinel: it cannot be started: it refuses its configuration: /);
  await Deno.writeFile(stage.path("clock"), await attack("sentinel", "flood_clock"));
  const denied = await stage.run({}, "clock");
  assert.equal(denied.status, 1);
  assert.match(denied.out + denied.err, /not granted/);
});

Deno.test("agent run: options as they may lie beside a dropped agent", async () => {
  await using stage = await Stage.make();
  const options = `${stage.folder}/guard.kdl`;
  await Deno.writeTextFile(options, 'fuel 5000000\nconfig {\n  prefix "/admin"\n}\n');
  const request = "GET https://a.example/admin/x";
  assert.equal((await stage.run({ options, request })).status, 3);
  assert.equal((await stage.run({ options, request, config: '{"prefix":"/other"}' })).status, 0);
  await Deno.writeTextFile(options, 'events "response-body"\n');
  const deaf = await stage.run({ options });
  assert.equal(deaf.status, 1);
  assert.match(
    deaf.err,
    /^sentinel: the component does not handle response-body; it handles request-headers/,
  );
  await Deno.writeTextFile(options, "fule 1\n");
  const wrong = await stage.run({ options });
  assert.equal(wrong.status, 2);
  assert.match(wrong.err, /unknown .*fule/);
});

Deno.test("agent run: what is typed wrongly, and what is no agent", async () => {
  await using stage = await Stage.make();
  const cases: { options: Partial<AgentRunOptions>; file?: string; status: number; want: RegExp }[] = [
    { options: { request: "GET /x" }, status: 2, want: /^error: --request expects a URL/ },
    { options: { header: ["nothing"] }, status: 2, want: /^error: --header expects "Name: value"/ },
    { options: { responseHeader: [":"] }, status: 2, want: /^error: --response-header expects/ },
    { options: { responseStatus: "99" }, status: 2, want: /^error: --response-status expects 100 to 599/ },
    { options: { fuel: "much" }, status: 2, want: /^error: --fuel expects a number/ },
    {
      options: { grant: "log,shell" },
      status: 2,
      want: /^error: --grant: there is no "shell"; there are log/,
    },
    { options: { config: "{" }, status: 2, want: /^error: --config is no JSON/ },
    {
      options: { body: "@/nowhere/x" },
      status: 2,
      want: /^error: cannot read \/nowhere\/x: there is no such/,
    },
    {
      options: {},
      file: "none",
      status: 1,
      want: /^sentinel: Cannot load agent "none" from .*: there is no/,
    },
  ];
  for (const { options, file, status, want } of cases) {
    const outcome = await stage.run(options, file);
    assert.match(outcome.err, want);
    assert.equal(outcome.status, status, outcome.err);
    assert.equal(outcome.out, "");
  }
});

Deno.test("agent inspect: world, functions with types, modules and sizes", async () => {
  await using stage = await Stage.make();
  const { status, out } = await stage.inspect("guard");
  assert.equal(status, 0);
  assert.match(out, /^world {5}zentinel:agent@2\.0\.0$/m);
  assert.match(out, /^agent {5}guard 1\.0\.0$/m);
  assert.match(out, /^ {4}health-check\(\)->result<string,string>$/m);
  assert.match(out, /^imports none$/m);
  assert.match(out, /^ {2}0 {2}[\d.]+ KiB, \d+ functions, memory .* with fuel and limits$/m);
  const json = JSON.parse((await stage.inspect("guard", true)).out) as Record<string, unknown>;
  assert.equal(json["world"], "zentinel:agent@2.0.0");
  assert.equal(json["problem"], null);
  assert.match(json["digest"] as string, /^[0-9a-f]{64}$/);
});

Deno.test("agent inspect: what is no agent is taken apart as far as it goes", async () => {
  await using stage = await Stage.make();
  await Deno.writeFile(stage.path("loops"), await attack("sentinel", "start_loop"));
  const loops = await stage.inspect("loops");
  assert.equal(loops.status, 1);
  assert.match(loops.out, /^no agent {2}it traps when it is started \(fuel\): it used up its fuel$/m);
  assert.match(loops.out, /^ {4}describe\(\)->/m);
  await Deno.writeTextFile(stage.path("text"), "no wasm");
  const text = await stage.inspect("text");
  assert.equal(text.status, 1);
  assert.equal(text.out, "");
  assert.match(text.err, /^sentinel: .*text\.wasm: component/);
  assert.match((await stage.inspect("none")).err, /there is no such file/);
});
