import { deepEqual, equal, match, throws } from "node:assert/strict";
import { agentFilter, atOnce } from "../../tests/support/agent_rig.ts";
import { requestContext } from "../../tests/support/filter_fixture.ts";
import { allLogFields } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";

Deno.test("agent filter: an agent that there is not", () => {
  const lines: string[] = [];
  const log = (_: string, message: string) => void lines.push(message);
  const open = agentFilter([], `agent "gone"`, { log });
  const context = requestContext();
  equal(atOnce(open.onRequest!(context)), undefined);
  deepEqual(context.agentNotes!.map(({ agent, verdict }) => [agent, verdict]), [["gone", "failed"]]);
  deepEqual(allLogFields(context), { agent_gone_failure: "absent" });
  match(lines[0]!, /no agent "gone"/);
  const closed = agentFilter([], `agent "gone"\nfailure-mode "closed"`);
  throws(
    () => closed.onRequest!(requestContext()),
    (error) => error instanceof ProxyError && error.code === "agent_failed",
  );
});

Deno.test("agent filter: an agent that this thread could not start fails as it says itself", () => {
  const lines: unknown[] = [];
  const log = (_level: string, _message: string, fields?: unknown) => void lines.push(fields);
  const agentMode = (id: string) => id === "gone" ? "closed" as const : undefined;
  const closed = agentFilter([], `agent "gone"`, { log, agentMode });
  throws(
    () => closed.onRequest!(requestContext()),
    (error) => error instanceof ProxyError && error.code === "agent_failed",
  );
  const open = agentFilter([], `agent "gone"\nfailure-mode "open"`, { log, agentMode });
  deepEqual(open.onRequest!(requestContext()), undefined);
  deepEqual(lines, [{ failureMode: "closed" }, { failureMode: "open" }]);
});
