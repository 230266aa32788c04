import { deepEqual, equal, rejects } from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { agentRig, textOf, told, upload } from "../../tests/support/agent_rig.ts";
import { block, bodyOutcome } from "../../tests/support/fake_agent.ts";
import type { BodyEdit } from "../agents/contract/sentinel_types.ts";
import { type Body, BytesBody } from "../core/message.ts";
import { decompress } from "../server/decompress.ts";

const TEXT = "id=1' or 1=1 -- ".repeat(8);
const PACKED = new Uint8Array(gzipSync(TEXT));

/** An agent that writes down what it is shown, and what becomes of one request with this body. */
function rigOf(options: string, answer: { readonly edit?: BodyEdit; readonly blocks?: boolean } = {}) {
  const shown: string[] = [];
  const rig = agentRig({
    options: `decode-bodies #true\n${options}`,
    deps: { decompress },
    handles: ["request-body"],
    hooks: () => ({
      onRequestBody: (request, chunk) => {
        const truncated = request.metadata("body-truncated");
        shown.push(
          new TextDecoder().decode(chunk.data) + (truncated === undefined ? "" : ` of ${truncated}`),
        );
        return bodyOutcome(answer.edit, answer.blocks ? { decision: block(403, "no") } : {});
      },
    }),
  });
  const send = async (body: Body, encoding: string | readonly string[] = []) => {
    const { context } = upload([]);
    context.body = body;
    for (const line of [encoding].flat()) context.head.headers.append("Content-Encoding", line);
    const verdict = await rig.filter.onRequest!(context);
    return { context, verdict };
  };
  return { shown, send };
}

Deno.test("agent bodies: decoded for the agent, passed on as they came", async () => {
  const { shown, send } = rigOf("");
  const { context, verdict } = await send(new BytesBody(PACKED), "gzip");
  deepEqual([verdict, shown], [undefined, [TEXT]]);
  deepEqual(await context.body!.read(), PACKED);
  equal(context.head.headers.get("content-encoding"), "gzip");
  await send(new BytesBody(new TextEncoder().encode("plain")));
  equal(shown[1], "plain");
  const { verdict: refused } = await rigOf("", { blocks: true }).send(new BytesBody(PACKED), "gzip");
  deepEqual(await told(refused), [403, "agent_blocked", "no"]);
});

Deno.test("agent bodies: one that the agent replaces is sent without a coding", async () => {
  const edit: BodyEdit = { type: "replace", value: new TextEncoder().encode("clean") };
  const { context } = await rigOf("", { edit }).send(new BytesBody(PACKED), "gzip");
  equal(await textOf(context.body), "clean");
  equal(context.head.headers.get("content-encoding"), undefined);
});

Deno.test("agent bodies: what cannot be decoded is refused, or shown as it is", async () => {
  const bomb = new Uint8Array(gzipSync(new Uint8Array(3_000_000)));
  for (
    const [body, encoding, code] of [
      [new Uint8Array(40), "gzip", "agent_body_corrupt"],
      [PACKED, "zstd", "agent_body_corrupt"],
      [PACKED, "gzip, gzip, gzip", "agent_body_corrupt"],
      [bomb, "gzip", "agent_body_too_large"],
    ] as const
  ) {
    const closed = rigOf('failure-mode "closed"');
    await rejects(closed.send(new BytesBody(body), encoding), { code });
    deepEqual(closed.shown, []);
    const open = rigOf("");
    await open.send(new BytesBody(body), encoding);
    equal(open.shown.length, 1);
  }
  // Little may be packed tightly, much may not.
  const tight = new Uint8Array(gzipSync(new Uint8Array(60_000)));
  const fine = rigOf('failure-mode "closed"\nmax-decompression-ratio 2');
  await fine.send(new BytesBody(tight), "gzip");
  equal(fine.shown[0]!.length, 60_000);
  const large = new Uint8Array(gzipSync(new Uint8Array(70_000)));
  await rejects(fine.send(new BytesBody(large), "gzip"), { code: "agent_body_too_large" });
});

Deno.test("agent bodies: of one that is too long the beginning is looked at, if that is wanted", async () => {
  const { shown, send } = rigOf(
    'failure-mode "closed"\nmax-request-body-bytes 4\noversized-bodies "inspect-start"',
  );
  const { context } = await send(new BytesBody(new TextEncoder().encode("abcdefgh")));
  deepEqual(shown, ["abcd of 8"]);
  equal(await textOf(context.body), "abcdefgh");
  const { context: pieces } = upload(["abc", "def", "gh"]);
  const other = rigOf('max-request-body-bytes 4\noversized-bodies "inspect-start"');
  const sent = await other.send(pieces.body!);
  deepEqual(other.shown, ["abcd of unknown"]);
  equal(await textOf(sent.context.body), "abcdefgh");
});

Deno.test("agent bodies: compressed ones that are too long are not looked at by their beginning", async () => {
  const options = 'max-request-body-bytes 16\noversized-bodies "inspect-start"';
  const closed = rigOf(`failure-mode "closed"\n${options}`);
  await rejects(closed.send(new BytesBody(PACKED), "gzip"), { code: "agent_body_too_large" });
  const open = rigOf(options);
  await open.send(new BytesBody(PACKED), "gzip");
  deepEqual([closed.shown, open.shown], [[], []]);
});

Deno.test("agent bodies: no line of Content-Encoding hides another", async () => {
  const { shown, send } = rigOf("");
  await send(new BytesBody(PACKED), ["identity", "gzip"]);
  deepEqual(shown, [TEXT]);
});
