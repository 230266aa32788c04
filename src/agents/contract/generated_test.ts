import { deepEqual, equal, ok } from "node:assert/strict";
import { generateContract } from "../../../build/wit/generate.ts";
import { SENTINEL_WORLD } from "./sentinel_world.ts";
import { ZENTINEL_WORLD } from "./zentinel_world.ts";

const ROOT = new URL("../../../", import.meta.url);
const FOLDER = "src/agents/contract";

async function generatedFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(new URL(`${folder}/`, ROOT))) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...await generatedFiles(path));
    else if ((await Deno.readTextFile(new URL(path, ROOT))).startsWith("// Generated from ")) {
      found.push(path);
    }
  }
  return found;
}

Deno.test("contract: the generated files are what the WIT gives, and there are no others", async () => {
  const fresh = await generateContract();
  for (const [path, text] of fresh) {
    equal(await Deno.readTextFile(new URL(path, ROOT)), text, `${path} is stale: run deno task wit`);
  }
  deepEqual((await generatedFiles(FOLDER)).sort(), [...fresh.keys()].sort());
});

Deno.test("contract: texts of types are as components are compared by", () => {
  equal(SENTINEL_WORLD.package, "sentinel:agent");
  equal(SENTINEL_WORLD.version, "1.0.0");
  equal(SENTINEL_WORLD.imports.get("http#[method]request.path"), "(self:borrow<request>)->string");
  equal(
    SENTINEL_WORLD.imports.get("log#write"),
    "(level:enum{debug,info,warn,error},message:string,fields:list<record{key:string,value:string}>)->_",
  );
  equal(
    SENTINEL_WORLD.exports.get("lifecycle#configure"),
    "(config:string)->result<_,list<record{path:string,message:string}>>",
  );
  equal(ZENTINEL_WORLD.exports.get("lifecycle#shutdown"), "()->_");
  equal(ZENTINEL_WORLD.imports.size, 0);
  for (const text of [...SENTINEL_WORLD.imports.values(), ...SENTINEL_WORLD.exports.values()]) {
    ok(!text.includes(" "), text);
  }
});
