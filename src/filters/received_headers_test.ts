import { deepEqual, equal, throws } from "node:assert/strict";
import { agentFilter, agentRig, pass } from "../../tests/support/agent_rig.ts";
import { outcome } from "../../tests/support/fake_agent.ts";
import { plainResponse, requestContext } from "../../tests/support/filter_fixture.ts";
import { request } from "../../tests/support/proxy_rig.ts";
import { HEAD_LIMITS } from "../../tests/support/head_limits.ts";
import { bytesOf } from "../../tests/support/raw_client.ts";
import type { RequestView } from "../agents/runtime/bound_agent.ts";
import type { RequestContext } from "../core/context.ts";
import { RequestHeadParser } from "../http1/request_head.ts";
import { cleanHeaders } from "../upstream/clean_headers.ts";
import { formatRequestHead } from "../upstream/outgoing_head.ts";
import { keepReceived, receivedHeaders } from "./received_headers.ts";

/** A request that came over HTTP/1, as the engine shows it to filters. */
function wired(head: string): RequestContext {
  const bytes = bytesOf(head);
  const context = request();
  Object.assign(context.head, new RequestHeadParser(HEAD_LIMITS).parse(bytes, 0, bytes.length)!.head);
  keepReceived(context);
  cleanHeaders(context);
  return context;
}

/** One that came over HTTP/2, or was made up. */
function madeUp(headers: readonly (readonly [string, string])[]): RequestContext {
  const context = requestContext({ headers });
  keepReceived(context);
  cleanHeaders(context);
  return context;
}

const HEAD =
  "POST / HTTP/1.1\r\nhOst: a.test\r\nConnection: close, X-Hop\r\nX-Hop: 1\r\nTransfer-Encoding: chunked\r\n" +
  "TE: trailers\r\nX-Forwarded-For: 10.0.0.1\r\nx-forwarded-for: 10.0.0.2\r\nX_Real_IP: 10.0.0.3\r\nX-Kept: 1\r\n\r\n";

const RECEIVED = [
  ["hOst", "a.test"],
  ["Connection", "close, X-Hop"],
  ["X-Hop", "1"],
  ["Transfer-Encoding", "chunked"],
  ["TE", "trailers"],
  ["X-Forwarded-For", "10.0.0.1"],
  ["x-forwarded-for", "10.0.0.2"],
  ["X_Real_IP", "10.0.0.3"],
  ["X-Kept", "1"],
];

Deno.test("received headers: all of what a client sent, whatever has become of it", () => {
  const context = wired(HEAD);
  deepEqual([...context.head.headers].map(([name]) => name), ["hOst", "X-Kept"]);
  context.head.headers.set("X-Kept", "2");
  context.head.headers.append("X-Added", "1");
  deepEqual([...receivedHeaders(context)], RECEIVED);
});

Deno.test("received headers: those without a source are kept before they are changed", () => {
  const context = madeUp([["te", "trailers"], ["x-forwarded-for", "10.0.0.1"], ["x-kept", "1"]]);
  context.head.headers.remove("x-kept");
  deepEqual([...receivedHeaders(context)], [
    ["Host", "www.example"],
    ["te", "trailers"],
    ["x-forwarded-for", "10.0.0.1"],
    ["x-kept", "1"],
  ]);
  throws(() => receivedHeaders(requestContext()), /were kept/);
});

Deno.test("received headers: the host that only the target names is the last line, as the client wrote it", () => {
  for (const target of ["http://A.test:81", "HTTP://A.test:81/x?y", "https://A.test:81?y"]) {
    const context = wired(`GET ${target} HTTP/1.0\r\nX: 1\r\n\r\n`);
    context.head.authority = "other";
    deepEqual([...receivedHeaders(context)], [["X", "1"], ["Host", "A.test:81"]], target);
  }
  deepEqual([...receivedHeaders(wired("GET /http://a.test HTTP/1.0\r\n\r\n"))], []);
});

Deno.test("received headers: a body is judged as it goes on, where Connection takes away what describes it", () => {
  const lines = ["Content-Type: text/plain", "Content-Encoding: gzip", "Content-Language: en", "X: 1"];
  const rows: readonly [connection: string, want: string[]][] = [
    ["close, x, content-language", ["content-type", "content-encoding", "content-language", "x"]],
    ["close,\t Content-TYPE ", ["content-encoding", "content-language", "x"]],
    ["\xa0content-type", ["content-encoding", "content-language", "x"]],
    ["close\r\nconnection: content-encoding\r\nConnection: content-type", ["content-language", "x"]],
    ["content-type", ["content-encoding", "content-language", "x"]],
    ["content_type, content-typ", ["content-type", "content-encoding", "content-language", "x"]],
  ];
  for (const [connection, want] of rows) {
    const context = wired(
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: ${connection}\r\n${lines.join("\r\n")}\r\n\r\n`,
    );
    const received = Array.from(receivedHeaders(context), ([name]) => name.toLowerCase());
    deepEqual(received.filter((key) => key !== "host" && key !== "connection"), want, connection);
    const { headers } = context.head;
    for (const key of ["content-type", "content-encoding"]) {
      equal(headers.has(key), want.includes(key), connection);
    }
  }
});

/** What an agent reads of a request. */
function read(view: RequestView): unknown {
  return view.headers().map(({ name, value }) => [name, value]);
}

Deno.test("agent filter: sees received headers where its options say so, and edits those to be sent on", async () => {
  const seen: unknown[] = [];
  const edits = outcome({
    requestHeaders: [
      { type: "set", value: { name: "X-Kept", value: "edited" } },
      { type: "remove", value: "X-Hop" },
      { type: "add", value: { name: "X-Added", value: "1" } },
    ],
  });
  const hooks = () => ({
    onRequestHeaders: (view: RequestView) => {
      seen.push(read(view), view.header("x-HOP"), view.header("X-forwarded-for"), view.header("x-added"));
      return edits;
    },
    onResponseHeaders: (view: RequestView) => {
      seen.push(read(view));
      return outcome();
    },
  });
  const { filter } = agentRig({
    hooks,
    handles: ["request-headers", "response-headers"],
    options: `headers "received"`,
  });
  equal(filter.needsReceived, true);
  const context = wired(HEAD);
  await pass(filter, context, plainResponse());
  deepEqual(seen, [RECEIVED, "1", "10.0.0.1, 10.0.0.2", undefined, RECEIVED]);
  const lines = formatRequestHead(context, "10.0.0.9:80").split("\r\n");
  deepEqual(lines.slice(0, 4), ["POST / HTTP/1.1", "hOst: a.test", "X-Kept: edited", "X-Added: 1"]);
  equal(lines.some((line) => /^(?:x-hop|transfer-encoding|x_real_ip)|10\.0\.0\.[123]$/i.test(line)), false);
});

Deno.test("agent filter: agents of one request see each what its options say", async () => {
  const seen: unknown[] = [];
  const rig = (options: string, id: string) =>
    agentRig({
      hooks: () => ({
        onRequestHeaders: (view: RequestView) => {
          seen.push(id, read(view));
          return outcome({ requestHeaders: [{ type: "add", value: { name: "X-By", value: id } }] });
        },
      }),
      handles: ["request-headers"],
      options,
      id,
    }).live;
  const agents = [rig("", "plain"), rig(`headers "received"`, "first"), rig(`headers "received"`, "second")];
  const context = wired(HEAD);
  for (const { id } of [...agents, agents[0]!]) {
    const filter = agentFilter(agents, `agent "${id}"`);
    equal(filter.needsReceived, id !== "plain");
    await pass(filter, context, plainResponse());
  }
  const kept = [["hOst", "a.test"], ["X-Kept", "1"]];
  deepEqual(seen, [
    ...["plain", kept],
    ...["first", RECEIVED],
    ...["second", RECEIVED],
    ...["plain", [...kept, ["X-By", "plain"], ["X-By", "first"], ["X-By", "second"]]],
  ]);
});
