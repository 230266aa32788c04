import { deepEqual, throws } from "node:assert/strict";
import { agentFilter } from "../../tests/support/agent_rig.ts";
import { requestContext } from "../../tests/support/filter_fixture.ts";
import { ProxyError } from "../core/errors.ts";

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
