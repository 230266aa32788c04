import assert from "node:assert/strict";
import { readAgentFile } from "./agent_file.ts";

const NO_FILES = {
  glob: () => Promise.resolve([]),
  readBytes: () => Promise.reject(new Error("there is no such file")),
  locate: (path: string) => path,
};

function read(text?: string) {
  const options = text === undefined ? undefined : { path: "/agents/deny.kdl", text };
  return readAgentFile({ id: "deny", wasm: "/agents/deny.wasm", options }, NO_FILES);
}

Deno.test("readAgentFile: without options everything has its default", async () => {
  const { options, issues } = await read();
  assert.deepEqual(issues, []);
  assert.equal(options?.id, "deny");
  assert.equal(options?.wasm, "/agents/deny.wasm");
  assert.equal(options?.isolation, "shared");
  assert.deepEqual(options?.grant, []);
});

Deno.test("readAgentFile: the text is the inside of an agent block", async () => {
  const { options, issues } = await read(
    'isolation "reset"\ngrant "clock" "conn-info"\nconfig { status 451; }\n',
  );
  assert.deepEqual(issues, []);
  assert.equal(options?.isolation, "reset");
  assert.deepEqual(options?.grant, ["clock", "conn-info"]);
  assert.deepEqual(JSON.parse(options!.config!), { status: 451 });
});

Deno.test("readAgentFile: problems have their place in the file", async () => {
  const rows: [name: string, text: string, message: RegExp, line: number][] = [
    ["syntax", "isolation {\n", /./, 1],
    ["unknown option", '\nisolaton "reset"\n', /isolaton/, 2],
    ["wrong value", 'fuel "much"\n', /fuel/, 1],
    ["its own file", 'fuel 5000\nwasm "other.wasm"\n', /the file beside this one/, 2],
  ];
  for (const [name, text, message, line] of rows) {
    const { options, issues } = await read(text);
    assert.equal(options, undefined, name);
    assert.match(issues[0]!.message, message, name);
    assert.equal(issues[0]!.span?.file, "/agents/deny.kdl", name);
    assert.equal(issues[0]!.span?.line, line, name);
  }
});
