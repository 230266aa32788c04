import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import {
  agentRig,
  bodyRig,
  type Decide,
  pass,
  PieceBody,
  replace,
  textOf,
  told,
  upload,
} from "../../tests/support/agent_rig.ts";
import { block, bodyOutcome, outcome, trap } from "../../tests/support/fake_agent.ts";
import { plainResponse, requestContext } from "../../tests/support/filter_fixture.ts";
import type { Outcome } from "../agents/contract/sentinel_types.ts";
import { ProxyError } from "../core/errors.ts";
import { Trace } from "../core/trace.ts";
import { CHUNK_BYTES_MAX, InspectedBody, PrefixedBody } from "./agent_body.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("agent bodies: buffered, the agent sees all of it at once", async () => {
  for (const late of [false, true]) {
    const { filter, shown } = bodyRig(() => undefined);
    const { context } = upload(["ab", "cd", "e"], { late });
    equal(await filter.onRequest!(context), undefined);
    deepEqual(shown, ["abcde@0!"]);
    deepEqual([context.body!.length, context.head.headers.get("content-length")], [5, "5"]);
    equal(await textOf(context.body), "abcde");
  }
});

Deno.test("agent bodies: kept, dropped and replaced, buffered and streamed", async () => {
  const table = [
    { name: "keep", edit: undefined, want: "abcd" },
    { name: "drop", edit: { type: "drop" } as const, want: "" },
    { name: "replace", edit: replace("X"), want: { buffer: "X", stream: "XX" } },
    { name: "replace by nothing", edit: replace(""), want: "" },
  ];
  for (const { name, edit, want } of table) {
    for (const mode of ["buffer", "stream"] as const) {
      const rig = bodyRig((text) => edit === undefined || text === "" ? undefined : { edit }, {
        options: `request-body-mode "${mode}"`,
      });
      const { context } = upload(["ab", "cd"]);
      equal(await rig.filter.onRequest!(context), undefined);
      const text = await textOf(context.body);
      equal(text, typeof want === "string" ? want : want[mode], `${name} ${mode}`);
      if (mode === "buffer") equal(context.body!.length, text.length);
      else equal(context.body!.length, undefined, "nobody knows what the agent makes of it");
    }
  }
});

Deno.test("agent bodies: streamed, part by part as it is read", async () => {
  const { filter, shown } = bodyRig((text) => ({ edit: replace(text.toUpperCase()) }), {
    options: `request-body-mode "stream"`,
  });
  const { context, body } = upload(["ab", "cd"]);
  equal(await filter.onRequest!(context), undefined);
  deepEqual([body.reads, shown], [0, []], "nothing is read before it is wanted");
  equal(new TextDecoder().decode(await context.body!.read() as Uint8Array), "AB");
  deepEqual(shown, ["ab@0"]);
  equal(await textOf(context.body), "CD");
  deepEqual(shown, ["ab@0", "cd@1", "@2!"]);
  const known = bodyRig(() => undefined, { options: `request-body-mode "stream"` });
  const second = upload(["ab", "cd"], { length: 4 });
  await known.filter.onRequest!(second.context);
  equal(await textOf(second.context.body), "abcd");
  deepEqual(known.shown, ["ab@0", "cd@1!"], "the last is known by the length");
});

Deno.test("agent bodies: hybrid, whole up to a size and in parts beyond", async () => {
  const options = `request-body-mode "hybrid:4"`;
  const short = bodyRig(() => undefined, { options });
  const first = upload(["ab", "cd"]);
  await short.filter.onRequest!(first.context);
  deepEqual(short.shown, ["abcd@0!"]);
  equal(first.context.body!.length, 4);
  const long = bodyRig((text) => ({ edit: replace(`<${text}>`) }), { options });
  const second = upload(["ab", "cd", "e", "f"]);
  await long.filter.onRequest!(second.context);
  deepEqual(long.shown, ["abcde@0"]);
  equal(await textOf(second.context.body), "<abcde><f><>");
  const blocked = bodyRig(() => ({ outcome: { decision: block(403, "no") } }), { options });
  const third = upload(["abc", "def", "g"]);
  deepEqual(await told(await blocked.filter.onRequest!(third.context)), [403, "agent_blocked", "no"]);
});

Deno.test("agent bodies: at and above the bound, open and closed", async () => {
  for (const [pieces, length] of [[["abcd", "e"], undefined], [["abcde"], 5]] as const) {
    const open = bodyRig(() => undefined, { options: "max-request-body-bytes 4" });
    const first = upload(pieces, length === undefined ? {} : { length });
    equal(await open.filter.onRequest!(first.context), undefined);
    deepEqual([open.shown, open.meter.count("skipped request-body too-large")], [[], 1]);
    equal(first.context.body!.length, length);
    equal(await textOf(first.context.body), "abcde", "it goes on unseen");

    const closed = bodyRig(() => undefined, {
      options: "max-request-body-bytes 4",
      filter: `failure-mode "closed"`,
    });
    const second = upload(pieces, length === undefined ? {} : { length });
    await rejects(
      async () => await closed.filter.onRequest!(second.context),
      (error) => error instanceof ProxyError && error.code === "agent_body_too_large" && error.status === 413,
    );
    equal(second.body.isCancelled, true);
  }
  const just = bodyRig(() => undefined, {
    options: "max-request-body-bytes 4",
    filter: `failure-mode "closed"`,
  });
  await just.filter.onRequest!(upload(["abcd"]).context);
  deepEqual(just.shown, ["abcd@0!"]);
  const filters = bodyRig(() => undefined, { filter: "max-body-bytes 2" });
  await filters.filter.onRequest!(upload(["abc"]).context);
  deepEqual(filters.shown, [], "the filter's own bound");
  const component = bodyRig(() => undefined, { bodyBytesMax: 2 });
  await component.filter.onRequest!(upload(["abc"]).context);
  deepEqual(component.shown, [], "what the component says it takes");
});

Deno.test("agent bodies: a decision about the body, before anything was sent", async () => {
  const { filter } = bodyRig((text) =>
    text.includes("evil") ? { outcome: { decision: block(422, "no") } } : undefined
  );
  const { context } = upload(["an ev", "il body"]);
  deepEqual(await told(await filter.onRequest!(context)), [422, "agent_blocked", "no"]);
  const edits = bodyRig(() => ({
    outcome: { requestHeaders: [{ type: "set", value: { name: "X-Seen", value: "1" } }] },
  }));
  const second = upload(["a"]);
  await edits.filter.onRequest!(second.context);
  equal(second.context.head.headers.get("x-seen"), "1");
});

Deno.test("agent bodies: a decision in mid-stream breaks the request off and becomes its answer", async () => {
  const { filter } = bodyRig(
    (text) => text === "evil" ? { outcome: { decision: block(422, "no") } } : undefined,
    {
      options: `request-body-mode "stream"`,
    },
  );
  const { context } = upload(["good", "evil", "rest"]);
  equal(await filter.onRequest!(context), undefined);
  const body = context.body!;
  await body.read();
  await rejects(
    async () => await body.read(),
    (error) => error instanceof ProxyError && error.code === "agent_blocked",
  );
  const page = plainResponse([["X-Page", "error"]], 403);
  Object.assign(context, { errorCode: "agent_blocked", errorDetail: "x" });
  await filter.onResponse!(context, page);
  deepEqual([page.status, context.reason, context.errorCode, await textOf(page.body)], [
    422,
    "agent_blocked",
    undefined,
    "no",
  ]);
});

Deno.test("agent bodies: an agent that needs more holds the request until it has decided", async () => {
  const init = { head: { needsMore: true }, options: `request-body-mode "stream"` };
  const decides = bodyRig(
    (text) => ({ edit: replace(text.toUpperCase()), outcome: { needsMore: text !== "cd" } }),
    init,
  );
  const first = upload(["ab", "cd", "ef"]);
  equal(await decides.filter.onRequest!(first.context), undefined);
  deepEqual([decides.shown, first.body.reads], [["ab@0", "cd@1"], 2]);
  equal(await textOf(first.context.body), "ABCDEF");
  deepEqual(decides.shown, ["ab@0", "cd@1", "ef@2", "@3!"]);

  const blocks = bodyRig(
    (text) => ({ outcome: text === "cd" ? { decision: block(403, "no") } : { needsMore: true } }),
    init,
  );
  deepEqual(await told(await blocks.filter.onRequest!(upload(["ab", "cd", "ef"]).context)), [
    403,
    "agent_blocked",
    "no",
  ]);

  const whole = bodyRig((_, { last }) => ({ outcome: { needsMore: !last } }), init);
  const third = upload(["ab", "cd"]);
  await whole.filter.onRequest!(third.context);
  deepEqual(whole.shown, ["ab@0", "cd@1", "@2!"]);
  deepEqual([third.context.body!.length, await textOf(third.context.body)], [4, "abcd"]);

  const never = bodyRig(() => ({ outcome: { needsMore: true } }), {
    ...init,
    filter: `failure-mode "closed"`,
  });
  await rejects(
    async () => await never.filter.onRequest!(upload(["ab"]).context),
    /needs more than the whole body/,
  );

  const greedy = bodyRig(() => ({ outcome: { needsMore: true } }), {
    ...init,
    options: `${init.options}\nmax-request-body-bytes 3`,
  });
  const fifth = upload(["ab", "cd", "ef"]);
  await greedy.filter.onRequest!(fifth.context);
  deepEqual(greedy.shown, ["ab@0", "cd@1"]);
  equal(await textOf(fifth.context.body), "abcdef");

  const bodyless = bodyRig(() => ({ edit: replace("made") }), init);
  const none = requestContext();
  await bodyless.filter.onRequest!(none);
  deepEqual(bodyless.shown, ["@0!"]);
  equal(await textOf(none.body), "made");
});

Deno.test("agent bodies: an agent that needs a body it is not shown has failed", async () => {
  const closed = bodyRig(() => undefined, {
    head: { needsMore: true },
    filter: `inspect-body #false\nfailure-mode "closed"`,
  });
  await rejects(
    async () => await closed.filter.onRequest!(upload(["a"]).context),
    (error) =>
      error instanceof ProxyError && error.code === "agent_failed" && /not shown/.test(error.message),
  );
  const open = bodyRig(() => undefined, { filter: "inspect-body #false" });
  const { context, body } = upload(["a"]);
  await open.filter.onRequest!(context);
  deepEqual([open.shown, context.body], [[], body]);
});

Deno.test("agent bodies: an agent that fails on a part, open and closed", async () => {
  const failing = (options: string, filter: string) =>
    bodyRig((text) => text.includes("cd") ? trap() : { edit: replace("X") }, { options, filter });
  const streamed = failing(`request-body-mode "stream"`, "");
  const first = upload(["ab", "cd", "ef"]);
  await streamed.filter.onRequest!(first.context);
  equal(await textOf(first.context.body), "Xcdef", "the rest goes on without the agent");
  equal(streamed.meter.count("skipped request-body failed"), 1);
  const closed = failing(`request-body-mode "stream"`, `failure-mode "closed"`);
  const second = upload(["ab", "cd"]);
  await closed.filter.onRequest!(second.context);
  await rejects(
    () => textOf(second.context.body),
    (error) => error instanceof ProxyError && error.code === "agent_failed",
  );
  const buffered = failing("", "");
  const third = upload(["ab", "cd"]);
  await buffered.filter.onRequest!(third.context);
  equal(await textOf(third.context.body), "abcd");
});

Deno.test("agent bodies: what the client does wrong stays the client's error", async () => {
  for (const mode of ["buffer", "stream"]) {
    const { filter } = bodyRig(() => undefined, { options: `request-body-mode "${mode}"` });
    const { context } = upload(["ab", new ProxyError("client_closed", "gone")]);
    await rejects(async () => {
      await filter.onRequest!(context);
      await textOf(context.body);
    }, (error) => error instanceof ProxyError && error.code === "client_closed");
  }
});

Deno.test("agent bodies: responses", async () => {
  const handles = ["response-headers", "response-body"] as const;
  const respond = (pieces: string[], status = 200) => ({
    ...plainResponse([["X", "1"]], status),
    body: new PieceBody(pieces),
  });

  const buffered = bodyRig((text) => ({
    edit: replace(`[${text}]`),
    outcome: { responseHeaders: [{ type: "set", value: { name: "X-Seen", value: "1" } }] },
  }), { handles });
  const first = respond(["ab", "cd"]);
  await pass(buffered.filter, requestContext(), first);
  deepEqual([await textOf(first.body), first.headers.get("x-seen")], ["[abcd]", "1"]);

  const blocking = bodyRig(() => ({ outcome: { decision: block(502, "no") } }), { handles });
  const second = respond(["secret"]);
  const context = requestContext();
  await pass(blocking.filter, context, second);
  deepEqual([second.status, context.reason, await textOf(second.body)], [502, "agent_blocked", "no"]);

  const streamed = bodyRig((text) => text === "b" ? { outcome: { decision: block(502) } } : undefined, {
    handles,
    options: `response-body-mode "stream"`,
  });
  const third = respond(["a", "b", "c"]);
  const cut = requestContext();
  cut.trace = new Trace();
  await streamed.filter.onRequest!(cut);
  await streamed.filter.onResponse!(cut, third);
  await rejects(
    () => textOf(third.body),
    (error) => error instanceof ProxyError && error.code === "agent_blocked",
  );
  equal(cut.reason, "agent_blocked");

  const tooLarge = bodyRig(() => undefined, {
    handles,
    options: `max-response-body-bytes 3\nfailure-mode "closed"`,
  });
  const large = requestContext();
  await tooLarge.filter.onRequest!(large);
  await rejects(
    async () => await tooLarge.filter.onResponse!(large, respond(["abcd"])),
    (error) => error instanceof ProxyError && error.code === "response_too_large",
  );

  for (
    const { method, status } of [{ method: "HEAD", status: 200 }, { method: "GET", status: 304 }, {
      method: "GET",
      status: 204,
    }]
  ) {
    const unseen = bodyRig(() => undefined, { handles });
    await pass(unseen.filter, requestContext({ method }), respond(["ab"], status));
    deepEqual(unseen.shown, [], `${method} ${status} has no body`);
  }
});

Deno.test("agent bodies: with isolation the instance stays until the stream is over", async () => {
  const { filter, live } = bodyRig(() => undefined, {
    options: `request-body-mode "stream"\nisolation "fresh"`,
  });
  const { context } = upload(["ab"]);
  await filter.onRequest!(context);
  equal(live.pool.live, 1);
  await textOf(context.body);
  filter.onEnd!(context);
  equal(live.pool.live, 0);
  const buffered = bodyRig(() => undefined, { options: `isolation "fresh"` });
  await buffered.filter.onRequest!(upload(["ab"]).context);
  equal(buffered.live.pool.live, 0, "all was seen");
});

Deno.test("agent bodies: a late piece after the end of the request is not shown", async () => {
  const { filter, shown } = bodyRig(() => undefined, { options: `request-body-mode "stream"` });
  const { context, body } = upload(["ab", "cd"]);
  await filter.onRequest!(context);
  await context.body!.read();
  filter.onEnd!(context);
  context.body!.cancel();
  ok(body.isCancelled);
  await textOf(context.body);
  deepEqual(shown, ["ab@0"]);
});

Deno.test("agent bodies: one that was held is read to its end", async () => {
  for (const mode of ["buffer", "stream", "hybrid:2"]) {
    const { filter } = bodyRig((_, { last }) => ({ outcome: { needsMore: !last } }), {
      head: { needsMore: true },
      options: `request-body-mode "${mode}"`,
    });
    const whole = upload(["ab", "cd"], { length: 4 });
    await filter.onRequest!(whole.context);
    deepEqual([whole.body.reads, await textOf(whole.context.body)], [3, "abcd"], mode);
    const broken = upload(["ab", "cd", new ProxyError("client_closed", "gone")], { length: 4 });
    await rejects(async () => await filter.onRequest!(broken.context), /gone/, mode);
  }
});

Deno.test("agent bodies: while a response is held, nobody waits longer than the request does", async () => {
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const decision = block(403);
  const { filter, time } = agentRig({
    hooks: () => ({
      onResponseHeaders: () => outcome({ needsMore: true }),
      async onResponseBody(_request, _response, { data, index }) {
        if (index === 1) await gate.promise;
        seen.push(new TextDecoder().decode(data));
        return bodyOutcome(undefined, index === 0 ? { needsMore: true } : { decision });
      },
    }),
    handles: ["response-headers", "response-body"],
    options: `response-body-mode "stream"\nchunk-timeout-ms 30000`,
  });
  const context = Object.assign(requestContext(), { deadlineMs: time.now + 1000 });
  const body = new PieceBody(["ab", "cd"], { length: 4 });
  const response = { ...plainResponse(), body };
  const failed = rejects(
    pass(filter, context, response),
    (error) => error instanceof ProxyError && error.code === "request_timeout",
  );
  await time.advance(1000);
  await failed;
  body.cancel();
  gate.resolve();
  await time.advance(0);
  deepEqual([seen, response.status], [["ab", "cd"], 200], "what it says late changes nothing");
});

Deno.test("agent bodies: what the parts of one body leave behind is bounded", async () => {
  const lists: Record<string, (index: number) => Partial<Outcome>> = {
    same: () => ({ metadata: [{ name: "k", value: "v" }] }),
    notes: (index) => ({ metadata: [{ name: `k${index}`, value: "v" }] }),
    edits: () => ({ responseHeaders: [{ type: "add", value: { name: "X-A", value: "v" } }] }),
  };
  const options = `request-body-mode "stream"`;
  for (const [name, left] of Object.entries(lists)) {
    for (const count of [256, 257]) {
      const failures = count > 256 && name !== "same" ? 1 : 0;
      const decide: Decide = (text, { index }) => text === "" ? undefined : { outcome: left(index) };
      const open = bodyRig(decide, { options });
      const pieces = Array.from({ length: count }, () => "x");
      const { context } = upload(pieces);
      const response = plainResponse();
      await open.filter.onRequest!(context);
      equal((await textOf(context.body)).length, count);
      await open.filter.onResponse!(context, response);
      equal(open.meter.count("failed request-body malformed"), failures, name);
      equal(response.headers.size, name === "edits" ? 256 : 0);
      const closed = bodyRig(decide, { options, filter: `failure-mode "closed"` });
      const second = upload(pieces);
      await closed.filter.onRequest!(second.context);
      if (failures === 0) await textOf(second.context.body);
      else await rejects(() => textOf(second.context.body), /malformed: .*more than 256/);
    }
  }
});

Deno.test("InspectedBody: cancelled, it keeps its source until nobody looks at a part any more", async () => {
  for (const fails of [false, true]) {
    const gate = Promise.withResolvers<Uint8Array>();
    let cancelled = 0;
    const source = { length: 2, read: () => encode("ab"), cancel: () => void cancelled++ };
    const body = new InspectedBody(source, () => gate.promise);
    const pending = body.read();
    body.cancel();
    body.cancel();
    equal(await body.read(), null);
    equal(cancelled, 0);
    gate.resolve(fails ? Promise.reject(new Error("broken")) : encode("ab"));
    if (fails) await rejects(async () => await pending, /broken/);
    else equal(await pending, null, "a view that is no longer valid");
    body.cancel();
    deepEqual([cancelled, await body.read()], [1, null]);
  }
});

Deno.test("InspectedBody: large pieces are shown in parts", async () => {
  const sizes: string[] = [];
  const piece = new Uint8Array(CHUNK_BYTES_MAX * 2 + 5).fill(97);
  let given = false;
  const source = {
    length: piece.length,
    read: () => given ? null : (given = true, piece),
    cancel() {},
  };
  const body = new InspectedBody(
    source,
    (data, { isLast }) => (sizes.push(`${data.length}${isLast ? "!" : ""}`), data),
  );
  equal((await textOf(body)).length, piece.length);
  deepEqual(sizes, [`${CHUNK_BYTES_MAX}`, `${CHUNK_BYTES_MAX}`, "5!"]);
});

Deno.test("PrefixedBody: what was read already comes first, and goes with the rest when cancelled", async () => {
  const rest = new PieceBody(["c"]);
  equal(await textOf(new PrefixedBody([encode("a"), encode(""), encode("b")], rest, 3)), "abc");
  const cancelled = new PrefixedBody([encode("a")], rest, undefined);
  cancelled.cancel();
  equal(await textOf(cancelled), "");
  equal(rest.isCancelled, true);
});

Deno.test("agent bodies: an agent that keeps everything leaves every body as it was, in every mode", async () => {
  await fc.assert(fc.asyncProperty(
    fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 12 }),
    fc.constantFrom("buffer", "stream", "hybrid:1", "hybrid:7", "hybrid:100"),
    fc.record({
      late: fc.boolean(),
      known: fc.boolean(),
      needsMore: fc.nat(12),
      max: fc.integer({ min: 100, max: 400 }),
    }),
    async (pieces, mode, { late, known, needsMore, max }) => {
      const { filter, shown } = bodyRig(
        (_, { index, last }) => ({ outcome: { needsMore: index < needsMore && !last } }),
        {
          options: `request-body-mode "${mode}"\nmax-request-body-bytes ${max}`,
          head: { needsMore: needsMore > 0 },
        },
      );
      const text = pieces.join("");
      const length = encode(text).length;
      const { context } = upload(pieces, known ? { late, length } : { late });
      equal(await filter.onRequest!(context), undefined);
      if (context.body!.length !== undefined) equal(context.body!.length, length);
      equal(await textOf(context.body), text);
      if (length <= max) {
        equal(shown.filter((each) => each.endsWith("!")).length, 1, "exactly one is the last");
      }
    },
  ));
});
