import { deepEqual, equal, ok } from "node:assert/strict";
import { agentRig, atOnce, bodyRig, pass, replace, textOf, upload } from "../../tests/support/agent_rig.ts";
import { block, outcome, trap } from "../../tests/support/fake_agent.ts";
import { plainResponse, requestContext } from "../../tests/support/filter_fixture.ts";
import type { Outcome } from "../agents/contract/sentinel_types.ts";
import { HeaderList } from "../core/headers.ts";
import { Trace } from "../core/trace.ts";

/** A shadow whose agent would answer the request's head with this. */
function shadowing(given: Partial<Outcome>) {
  return agentRig({
    hooks: () => ({ onRequestHeaders: () => outcome(given) }),
    handles: ["request-headers"],
    options: `mode "shadow"\nfailure-mode "closed"`,
  });
}

Deno.test("agent filter: shadow agents change nothing, and are compared to the live ones", async () => {
  const table = [
    { name: "both allow", shadow: {}, live: {}, want: "agrees" },
    { name: "both stop", shadow: { decision: block(403) }, live: { decision: block(429) }, want: "agrees" },
    { name: "stricter", shadow: { decision: block(403) }, live: {}, want: "stricter" },
    { name: "laxer", shadow: {}, live: { decision: block(429) }, want: "laxer" },
  ];
  for (const { name, shadow, live, want } of table) {
    const watched = shadowing({
      ...shadow,
      requestHeaders: [{ type: "set", value: { name: "X-A", value: "1" } }],
      responseHeaders: [{ type: "set", value: { name: "X-Out", value: "1" } }],
      target: "/x",
      metadata: [{ name: "a", value: "b" }],
    });
    const deciderRig = agentRig({
      hooks: () => ({ onRequestHeaders: (view) => (equal(view.metadata("a"), undefined), outcome(live)) }),
      handles: ["request-headers"],
      id: "decider",
    });
    const context = requestContext();
    context.trace = new Trace();
    equal(atOnce(watched.filter.onRequest!(context)), undefined, name);
    deciderRig.filter.onRequest!(context);
    const response = plainResponse();
    await watched.filter.onResponse!(context, response);
    deciderRig.filter.onEnd!(context);
    watched.filter.onEnd!(context);
    deepEqual([...context.head.headers, context.head.target, response.headers.size], [
      ["Host", "www.example"],
      "/a?b=c",
      0,
    ]);
    equal(watched.meter.events.at(-1), want, name);
    equal(context.trace.steps[0]!.outcome, `would ${"decision" in shadow ? "block" : "allow"}`);
    equal(context.agentNotes![0]!.shadow, true);
  }
  const failing = agentRig({
    hooks: () => ({ onRequestHeaders: () => trap() }),
    handles: ["request-headers"],
    options: `mode "shadow"\nfailure-mode "closed"`,
  });
  const context = requestContext();
  await pass(failing.filter, context, plainResponse());
  equal(context.agentNotes![0]!.verdict, "failed");
  ok(!failing.meter.events.some((event) => ["agrees", "stricter", "laxer"].includes(event)));
});

Deno.test("agent filter: nobody waits for a shadow that waits", async () => {
  let finish: (value: Outcome) => void = () => {};
  const { filter, meter, time } = agentRig({
    hooks: () => ({ onRequestHeaders: () => new Promise<Outcome>((resolve) => finish = resolve) }),
    handles: ["request-headers"],
    options: `mode "shadow"`,
  });
  const context = requestContext();
  equal(atOnce(filter.onRequest!(context)), undefined);
  finish(outcome({ decision: block(403) }));
  await time.advance(0);
  filter.onEnd!(context);
  equal(meter.events.at(-1), "stricter");
});

Deno.test("agent filter: a response without headers of its own is not disturbed by a shadow", async () => {
  const { filter } = agentRig({
    hooks: () => ({
      onResponseHeaders: (
        _request,
        response,
      ) => (equal(response.headers().length, 1), outcome({ decision: block(500) })),
    }),
    handles: ["response-headers"],
    options: `mode "shadow"`,
  });
  const response = { ...plainResponse(), headers: HeaderList.from([["A", "1"]]) };
  const context = requestContext();
  await pass(filter, context, response);
  deepEqual([response.status, context.reason], [200, undefined]);
});

Deno.test("agent bodies: a shadow sees copies as they pass, and holds nothing up", async () => {
  const table = [
    { mode: "buffer", shown: ["abcd@0!"] },
    { mode: "stream", shown: ["ab@0", "cd@1", "@2!"] },
    { mode: "hybrid:3", shown: ["abcd@0", "@1!"] },
    { mode: "hybrid:9", shown: ["abcd@0!"] },
  ];
  for (const { mode, shown } of table) {
    const rig = bodyRig(() => ({ edit: replace("XX"), outcome: { decision: block(403) } }), {
      options: `mode "shadow"\nrequest-body-mode "${mode}"`,
    });
    const { context, body } = upload(["ab", "cd"]);
    equal(await rig.filter.onRequest!(context), undefined);
    equal(body.reads, 0, mode);
    equal(await textOf(context.body), "abcd", mode);
    deepEqual(rig.shown, shown, mode);
    rig.filter.onEnd!(context);
    equal(rig.meter.events.at(-1), "stricter");
  }
  const large = bodyRig(() => undefined, {
    options: `mode "shadow"\nmax-request-body-bytes 3\nfailure-mode "closed"`,
  });
  const { context } = upload(["ab", "cd"], { length: 4 });
  await large.filter.onRequest!(context);
  equal(context.body!.length, 4, "its length is still known");
  equal(await textOf(context.body), "abcd");
  deepEqual([large.shown, large.meter.count("skipped request-body too-large")], [[], 1]);
});

Deno.test("agent bodies: a shadow holds no more than the filter allows", async () => {
  for (
    const { length, shown, skipped } of [
      { length: 4, shown: ["abcd@0!"], skipped: 0 },
      { length: 5, shown: [], skipped: 1 },
    ]
  ) {
    const rig = bodyRig(() => undefined, {
      options: `mode "shadow"\nrequest-body-mode "hybrid:9"`,
      filter: "max-body-bytes 4",
    });
    const { context } = upload([..."abcde".slice(0, length)]);
    await rig.filter.onRequest!(context);
    equal(await textOf(context.body), "abcde".slice(0, length));
    deepEqual([rig.shown, rig.meter.count("skipped request-body too-large")], [shown, skipped]);
  }
});
