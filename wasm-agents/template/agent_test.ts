import { equal, rejects } from "node:assert/strict";
import { buildAgent } from "../build.ts";
import { expectBlocked, expectPlainAllow } from "../testing/expect.ts";
import { loadAgent } from "../testing/load_agent.ts";
import { request } from "../testing/messages.ts";

const { component } = await buildAgent(new URL("./", import.meta.url));

Deno.test("__AGENT__: blocks what is below its path", async () => {
  const agent = await loadAgent(component, { config: { prefix: "/admin/", status: 404 } });
  equal((await agent.describe()).id, "__AGENT__");
  expectBlocked(await agent.onRequest(request("/admin/users")), { status: 404, ruleIds: ["prefix"] });
  expectPlainAllow(await agent.onRequest(request("/administrator")));
});

Deno.test("__AGENT__: says what is wrong with its configuration", async () => {
  await rejects(loadAgent(component, { config: { prefix: "admin" } }), {
    message: 'prefix must begin with "/"',
  });
});
