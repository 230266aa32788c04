import { equal } from "node:assert/strict";
import { wafWith } from "../testing/waf_agent.ts";

const TYPES = ["application/JSON", "text/"];

/** Types of a request's body, and whether it is looked at where only those above are. */
const REQUESTS: readonly { readonly types: readonly string[]; readonly isRead: boolean }[] = [
  { types: ["application/json"], isRead: true },
  { types: [" Application/Json;charset=utf-8"], isRead: true },
  { types: ["text/anything"], isRead: true },
  { types: ["application/jso"], isRead: false },
  { types: ["application/x-www-form-urlencoded"], isRead: false },
  { types: ["x-application/json"], isRead: false },
  { types: [], isRead: true },
  { types: [""], isRead: true },
  { types: ["image/png", "application/json"], isRead: true },
  { types: ["application/json", "image/png"], isRead: true },
  { types: ["image/png", "image/gif"], isRead: false },
  { types: ["image/png, application/json"], isRead: true },
];

Deno.test("content-types: bodies go by only where they are surely of another type", async () => {
  const waf = await wafWith('SecRule REQUEST_BODY|ARGS "@contains evil" "id:1,phase:2,deny"', {
    config: { "content-types": TYPES, "auto-body-processor": false },
  });
  for (const { types, isRead } of REQUESTS) {
    const headers = { ...types.length > 0 && { "Content-Type": types }, "Content-Length": "4" };
    const message = waf.request("/", { method: "POST", headers });
    equal((await waf.agent.onRequest(message)).needsMore, isRead, types.join(" | "));
    const { outcome } = await waf.agent.onRequestBody(message, "evil");
    equal(outcome.decision.type, isRead ? "block" : "allow", types.join(" | "));
  }
  equal((await waf.judge("/?a=evil", { body: "a=b" })).decision, "block 403", "the head is looked at");
});

Deno.test("content-types: a rule that asks for a body gets it", async () => {
  const waf = await wafWith(
    `SecRule REQUEST_URI "@beginsWith /all" "id:2,phase:1,pass,nolog,ctl:requestBodyAccess=On"
    SecRule ARGS "@contains evil" "id:1,phase:2,deny"`,
    { config: { "content-types": ["application/json"] } },
  );
  equal((await waf.judge("/all", { body: "a=evil" })).decision, "block 403");
  equal((await waf.judge("/", { body: "a=evil" })).decision, "allow");
});
