import { deepEqual, equal } from "node:assert/strict";
import { bodyRig, textOf, upload } from "../../tests/support/agent_rig.ts";

Deno.test("agent bodies: on demand, only an agent that asks at the head is shown any", async () => {
  for (const mode of ["live", "shadow"]) {
    for (const needsMore of [false, true]) {
      const { filter, shown } = bodyRig(() => undefined, {
        head: { needsMore },
        options: `mode "${mode}"\nbodies-on-demand #true`,
      });
      const { context, body } = upload(["ab", "cd"]);
      equal(await filter.onRequest!(context), undefined);
      if (!needsMore) equal(body.reads, 0, "it is not read before it is wanted");
      equal(await textOf(context.body), "abcd");
      deepEqual(shown, needsMore ? ["abcd@0!"] : [], `${mode} ${needsMore}`);
    }
  }
});
