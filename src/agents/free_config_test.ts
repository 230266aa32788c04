import { deepEqual, equal, match } from "node:assert/strict";
import { readAgent } from "../../tests/support/fake_agent.ts";
import { parseJson } from "../config/json.ts";
import { Reading } from "../core/reading.ts";
import { freeConfig } from "./free_config.ts";

function read(body: string): unknown {
  const { options, problems } = readAgent(`wasm "a"\nconfig {\n${body}\n}`);
  deepEqual(problems, []);
  return JSON.parse(options!.config);
}

Deno.test("config block of an agent: KDL as JSON", () => {
  const table: readonly { kdl: string; want: unknown }[] = [
    { kdl: "", want: {} },
    { kdl: "threshold 5", want: { threshold: 5 } },
    {
      kdl: `name "x"; ratio 0.5; on #true; off #false; none #null`,
      want: { name: "x", ratio: 0.5, on: true, off: false, none: null },
    },
    { kdl: `paths "/a" "/b"`, want: { paths: ["/a", "/b"] } },
    { kdl: `path "/a"; path "/b"`, want: { path: ["/a", "/b"] } },
    { kdl: `path "/a" "/b"; path "/c"`, want: { path: ["/a", "/b", "/c"] } },
    { kdl: "strict", want: { strict: true } },
    { kdl: "rules { }", want: { rules: {} } },
    { kdl: `limit per="ip" { burst 3 }`, want: { limit: { per: "ip", burst: 3 } } },
    {
      kdl: `rule "sqli" { score 5 }; rule "xss" { score 4 }`,
      want: { rule: [{ score: 5, args: ["sqli"] }, { score: 4, args: ["xss"] }] },
    },
    { kdl: `paths { - "/a"; - "/b" }`, want: { paths: ["/a", "/b"] } },
    { kdl: `paths { - "/a" }`, want: { paths: ["/a"] } },
    { kdl: `list { - { a 1 }; - { a 2 } }`, want: { list: [{ a: 1 }, { a: 2 }] } },
    { kdl: `keep_name 1; keepName 2`, want: { keep_name: 1, keepName: 2 } },
  ];
  for (const { kdl, want } of table) deepEqual(read(kdl), want, kdl);
  equal(
    readAgent(`wasm "a"\nconfig { __proto__ { polluted #true } }`).options!.config,
    `{"__proto__":{"polluted":true}}`,
  );
});

Deno.test("config block of an agent: what JSON cannot hold", () => {
  const nested = "a { ".repeat(70) + "}".repeat(70);
  const table: readonly { kdl: string; want: RegExp }[] = [
    { kdl: `config "text"`, want: /expects a block/ },
    { kdl: `config { a #inf }`, want: /cannot hold Infinity/ },
    { kdl: `config { a b=1 { b 2 } }`, want: /property and a child/ },
    { kdl: `config { a 1 { args 2 } }`, want: /cannot have a member "args"/ },
    { kdl: `config { }\nconfig { }`, want: /more than once/ },
    { kdl: `config { ${nested} }`, want: /more than 64 blocks deep/ },
  ];
  for (const { kdl, want } of table) {
    const { problems } = readAgent(`wasm "a"\n${kdl}`);
    equal(problems.length, 1, problems.join(" | "));
    match(problems[0]!, want);
  }
});

Deno.test("config block of an agent: JSON stays what it is", () => {
  const config = {
    one: ["a"],
    two: ["a", "b"],
    none: [],
    deep: [{ x: 1 }, { x: [{ y: 2 }] }],
    empty: {},
    t: "a",
  };
  const parsed = parseJson(JSON.stringify({ config }), "test.json");
  deepEqual(parsed.issues, []);
  const reading = new Reading();
  const site = { reading, parent: parsed.nodes[0]!, name: "config" };
  deepEqual(JSON.parse(freeConfig({ summary: "" }).read(parsed.nodes, site)), config);
});
