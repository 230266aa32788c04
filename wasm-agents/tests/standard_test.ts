/** Bundled agents under jco's bindings: they are standard components, and do there what they do in our machine. */

import { deepEqual, ok } from "node:assert/strict";
import { $init, generate } from "@bytecodealliance/jco-transpile/component";
import { parseWit } from "../../build/wit/parse.ts";
import { type Answers, jcoSide, ourSide } from "./oracle/both_sides.ts";
import type { BuiltGuest } from "./oracle/build_guest.ts";

const WIT = parseWit(
  "sentinel-agent.wit",
  await Deno.readTextFile(new URL("../wit/sentinel-agent.wit", import.meta.url)),
);

async function guest(name: string): Promise<BuiltGuest> {
  const component = await Deno.readFile(new URL(`../dist/${name}.wasm`, import.meta.url));
  await $init;
  const { files } = generate(component, {
    name: "guest",
    noTypescript: true,
    instantiation: { tag: "sync" },
    noNodejsCompat: true,
  });
  const modules = new Map<string, WebAssembly.Module>();
  let source = "";
  for (const [file, bytes] of files) {
    if (file.endsWith(".wasm")) modules.set(file, new WebAssembly.Module(bytes.slice()));
    else if (file.endsWith(".js")) source = new TextDecoder().decode(bytes).replace(/^export /gm, "");
  }
  const instantiate = new Function(`${source}\nreturn instantiate;`)();
  return { component, instantiate: (imports) => instantiate((file: string) => modules.get(file)!, imports) };
}

const ANSWERS: Answers = {
  "http#[method]request.id": "r1",
  "http#[method]request.method": "POST",
  "http#[method]request.target": "/api/x?a=1",
  "http#[method]request.path": "/api/x",
  "http#[method]request.query": "a=1",
  "http#[method]request.host": "h.test",
  "http#[method]request.header": "application/json",
  "http#[method]response.status": 200,
  "http#[method]response.header": "application/json",
  "conn-info#client-address": "192.0.2.7",
  "clock#wall-ms": Date.UTC(2026, 0, 1),
};

const BODY = new TextEncoder().encode('{"a":{"b":1}}');
const RULE = {
  args: ["r"],
  match: { path: "/api/*" },
  request: {
    rewrite: "/v2/$1",
    json: { args: ["move"], path: "a.b", to: "c" },
    headers: { set: { x: "ü" } },
  },
};

const CASES: { agent: string; config: unknown; calls: [string, unknown[]][] }[] = [
  {
    agent: "echo",
    config: { greeting: "hällo", verbose: true },
    calls: [
      ["lifecycle#describe", []],
      ["lifecycle#health", []],
      ["request-handler#on-request-headers", ["request"]],
      ["request-body-handler#on-request-body", ["request", new TextEncoder().encode("shout"), 0, true]],
      ["response-handler#on-response-headers", ["request", "response"]],
      ["response-body-handler#on-response-body", ["request", "response", BODY, 0, true]],
      ["websocket-handler#ws-frame", ["request", "client-to-server", 1n, {
        opcode: "text",
        fin: true,
        data: new TextEncoder().encode("ping"),
      }]],
      ["websocket-handler#ws-close", ["request", { code: 1000, reason: "b" }]],
      ["lifecycle#drain", ["replaced"]],
      ["lifecycle#health", []],
    ],
  },
  {
    agent: "denylist",
    config: { "block-ips": { args: ["192.0.2.0/24"], expires: "2027-01-01T00:00:00Z" } },
    calls: [["request-handler#on-request-headers", ["request"]], ["request-handler#on-request-headers", [
      "request",
    ]]],
  },
  {
    agent: "transform",
    config: { rule: RULE },
    calls: [
      ["request-handler#on-request-headers", ["request"]],
      ["request-body-handler#on-request-body", ["request", BODY, 0, true]],
    ],
  },
];

for (const { agent, config, calls } of CASES) {
  Deno.test(`standard: ${agent} does the same under jco`, async () => {
    const built = await guest(agent);
    const sides = [ourSide(built, WIT, ANSWERS), jcoSide(built, WIT, ANSWERS)] as const;
    for (
      const [name, args] of [
        ["lifecycle#configure", [JSON.stringify(config)]] as [string, unknown[]],
        ...calls,
      ]
    ) {
      const [ours, theirs] = sides.map((side) => side.call(name, args));
      ok(ours && "value" in ours, `${name} failed in our machine: ${ours && "error" in ours && ours.error}`);
      deepEqual(ours, theirs, name);
    }
    deepEqual(sides[0].told, sides[1].told);
  });
}
