import { deepEqual } from "node:assert/strict";
import type { RequestView } from "../agents/runtime/bound_agent.ts";
import { agentRig } from "../../tests/support/agent_rig.ts";
import { outcome } from "../../tests/support/fake_agent.ts";
import { requestContext } from "../../tests/support/filter_fixture.ts";

Deno.test("agent view: the proxy's own facts of a request, which notes of agents do not change", async () => {
  const notes: [string, string][] = [["http.facts", "a"], ["http.serial", "b"], ["http.other", "c"]];
  const first = agentRig({
    hooks: () => ({
      onRequestHeaders: () => outcome({ metadata: notes.map(([name, value]) => ({ name, value })) }),
    }),
    handles: ["request-headers"],
  });
  const asked: (string | undefined)[] = [];
  const second = agentRig({
    hooks: () => ({
      onRequestHeaders(view: RequestView) {
        for (const name of ["facts", "protocol", "body", "serial", "other", "none"]) {
          asked.push(view.metadata(`http.${name}`));
        }
        return outcome();
      },
    }),
    handles: ["request-headers"],
    id: "second",
  });
  const context = requestContext();
  await first.filter.onRequest!(context);
  await second.filter.onRequest!(context);
  const serial = asked[3];
  deepEqual(asked, [`HTTP/1.1 0 ${serial}`, "HTTP/1.1", "0", serial, "c", undefined]);
});
