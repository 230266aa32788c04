import { deepEqual, equal, match } from "node:assert/strict";
import type { HttpFetchRequest } from "../agents/host/fetch.ts";
import { AgentFetch } from "./agent_fetch.ts";

const CERTS = new URL("../../tests/support/certs/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, CERTS));

interface Origin extends AsyncDisposable {
  readonly port: number;
}

function serve(
  handler: (request: Request) => Response | Promise<Response>,
  tls: { cert?: string; key?: string } = {},
): Origin {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {} };
  const { cert, key } = tls;
  const server = cert !== undefined && key !== undefined
    ? Deno.serve({ ...options, cert, key }, handler)
    : Deno.serve(options, handler);
  return { port: (server.addr as Deno.NetAddr).port, [Symbol.asyncDispose]: () => server.shutdown() };
}

function requestTo(url: string, parts: Partial<HttpFetchRequest> = {}): HttpFetchRequest {
  return {
    method: "GET",
    url,
    headers: [],
    body: undefined,
    timeoutMs: 10_000,
    responseBytesMax: 1000,
    mayConnect: () => true,
    ...parts,
  };
}

function transport(options = {}) {
  const fetch = new AgentFetch(options);
  return { send: fetch.send, [Symbol.dispose]: () => fetch.close() };
}

const text = (body: Uint8Array) => new TextDecoder().decode(body);

async function failureOf(result: ReturnType<AgentFetch["send"]>) {
  const outcome = await result;
  return outcome.type === "error"
    ? outcome.value
    : { reason: "none", message: `status ${outcome.value.status}` };
}

/** What the origin saw, as the body of its answer. */
async function echo(request: Request): Promise<Response> {
  const seen = {
    method: request.method,
    url: request.url,
    headers: [...request.headers],
    body: await request.text(),
  };
  return Response.json(seen, { status: 201, headers: [["set-cookie", "a=1"], ["set-cookie", "b=2"]] });
}

Deno.test("AgentFetch: the request arrives as it was, with no credentials of ours", async () => {
  await using origin = serve(echo);
  using fetch = transport();
  for (const host of ["127.0.0.1", "localhost"]) {
    const outcome = await fetch.send(requestTo(`http://${host}:${origin.port}/x?y=1`, {
      method: "POST",
      headers: [{ name: "x-Key", value: "é" }, { name: "accept", value: "text/plain" }],
      body: new TextEncoder().encode("hello"),
    }));
    if (outcome.type === "error") throw new Error(outcome.value.message);
    const { status, headers, body } = outcome.value;
    equal(status, 201);
    deepEqual(headers.filter(({ name }) => name === "set-cookie").map(({ value }) => value), ["a=1", "b=2"]);
    const seen = JSON.parse(text(body));
    deepEqual([seen.method, seen.url, seen.body], ["POST", `http://${host}:${origin.port}/x?y=1`, "hello"]);
    const names = seen.headers.map(([name]: [string]) => name).sort();
    deepEqual(names, [
      "accept",
      "accept-encoding",
      "accept-language",
      "content-length",
      "host",
      "user-agent",
      "x-key",
    ]);
    deepEqual(seen.headers.find(([name]: [string]) => name === "user-agent")[1], "sentinel");
    deepEqual(seen.headers.find(([name]: [string]) => name === "x-key")[1], "é");
  }
});

Deno.test("AgentFetch: an agent may name itself", async () => {
  await using origin = serve((request) => new Response(request.headers.get("user-agent")));
  using fetch = transport();
  const headers = [{ name: "User-Agent", value: "waf/1" }];
  const outcome = await fetch.send(requestTo(`http://127.0.0.1:${origin.port}/`, { headers }));
  equal(outcome.type === "ok" && text(outcome.value.body), "waf/1");
});

Deno.test("AgentFetch: redirects are answers, and cookies are not kept", async () => {
  const cookies: (string | null)[] = [];
  await using origin = serve((request) => {
    cookies.push(request.headers.get("cookie"));
    return new Response(null, { status: 302, headers: { location: "/next", "set-cookie": "a=1" } });
  });
  using fetch = transport();
  for (let i = 0; i < 2; i++) {
    const outcome = await fetch.send(requestTo(`http://127.0.0.1:${origin.port}/`));
    if (outcome.type === "error") throw new Error(outcome.value.message);
    equal(outcome.value.status, 302);
    equal(outcome.value.headers.find(({ name }) => name === "location")?.value, "/next");
  }
  deepEqual(cookies, [null, null]);
});

Deno.test("AgentFetch: an answer below, at and above the bound", async () => {
  await using origin = serve((request) =>
    new Response("x".repeat(Number(new URL(request.url).search.slice(1))))
  );
  using fetch = transport();
  for (const length of [999, 1000]) {
    const outcome = await fetch.send(requestTo(`http://127.0.0.1:${origin.port}/?${length}`));
    equal(outcome.type === "ok" && outcome.value.body.length, length);
  }
  deepEqual(await failureOf(fetch.send(requestTo(`http://127.0.0.1:${origin.port}/?1001`))), {
    reason: "response-size",
    message: "The answer has more than 1000 bytes",
  });
});

Deno.test("AgentFetch: a body without end is given up at the bound", async () => {
  const cancelled = Promise.withResolvers<void>();
  await using origin = serve(() =>
    new Response(
      new ReadableStream({
        pull: (controller) => controller.enqueue(new Uint8Array(400)),
        cancel: () => cancelled.resolve(),
      }),
    )
  );
  using fetch = transport();
  const { reason } = await failureOf(fetch.send(requestTo(`http://127.0.0.1:${origin.port}/`)));
  equal(reason, "response-size");
  await cancelled.promise;
});

Deno.test("AgentFetch: what grows when it is unpacked is bounded by what it grows to", async () => {
  const packed = await new Response(
    new Blob([new Uint8Array(1_000_000)]).stream().pipeThrough(new CompressionStream("gzip")),
  ).bytes();
  await using origin = serve(() => new Response(packed, { headers: { "content-encoding": "gzip" } }));
  using fetch = transport();
  const { reason } = await failureOf(
    fetch.send(requestTo(`http://127.0.0.1:${origin.port}/`, { responseBytesMax: packed.length * 2 })),
  );
  equal(reason, "response-size");
});

Deno.test("AgentFetch: no answer in time, and an answer that does not end in time", async () => {
  const late = Promise.withResolvers<Response>();
  await using origin = serve((request) => {
    if (request.url.endsWith("/silent")) return late.promise;
    return new Response(
      new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode("begin")) }),
    );
  });
  using fetch = transport();
  for (const path of ["silent", "slow"]) {
    const request = requestTo(`http://127.0.0.1:${origin.port}/${path}`, { timeoutMs: 100 });
    deepEqual(await failureOf(fetch.send(request)), {
      reason: "timeout",
      message: "There was no answer within 100 ms",
    });
  }
  late.resolve(new Response());
});

Deno.test("AgentFetch: every address is asked about first, and none is connected to when one is refused", async () => {
  let requests = 0;
  await using origin = serve(() => {
    requests++;
    return new Response();
  });
  using fetch = transport();
  for (const host of ["localhost", "127.0.0.1"]) {
    const asked: string[] = [];
    const mayConnect = (ip: string) => {
      asked.push(ip);
      return false;
    };
    const { reason, message } = await failureOf(
      fetch.send(requestTo(`http://${host}:${origin.port}/`, { mayConnect })),
    );
    equal(reason, "address");
    match(message, new RegExp(`^${host} stands for (127.0.0.1|::1), a private address that is not listed$`));
    equal(asked.length, 1);
  }
  equal(requests, 0);
});

Deno.test("AgentFetch: nobody there, and a name that does not exist", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  using fetch = transport();
  for (const url of [`http://127.0.0.1:${port}/`, `http://localhost:${port}/`, "http://nobody.invalid/"]) {
    const { reason, message } = await failureOf(fetch.send(requestTo(url)));
    equal(reason, "failed", url);
    match(message, /^The request failed: ./);
  }
});

Deno.test("AgentFetch: a certificate must be one we trust, for the name that was asked", async () => {
  await using origin = serve(() => new Response("secret"), {
    cert: pem("server.pem"),
    key: pem("server.key"),
  });
  using trusting = transport({ caCerts: [pem("ca.pem")] });
  using plain = transport();
  for (const fetch of [trusting, plain]) {
    const { reason } = await failureOf(fetch.send(requestTo(`https://localhost:${origin.port}/`)));
    equal(reason, "failed");
  }
});

Deno.test("AgentFetch: many headers are refused", async () => {
  await using origin = serve((request) => {
    const count = Number(new URL(request.url).search.slice(1));
    return new Response(null, {
      headers: Array.from({ length: count }, (_, i): [string, string] => [`x-${i}`, "v"]),
    });
  });
  using fetch = transport();
  const few = await fetch.send(requestTo(`http://127.0.0.1:${origin.port}/?50`));
  equal(few.type, "ok");
  const { reason } = await failureOf(fetch.send(requestTo(`http://127.0.0.1:${origin.port}/?300`)));
  equal(["response-size", "failed"].includes(reason), true);
});
