import { deepEqual, equal } from "node:assert/strict";
import type { FetchRequest, FetchResponse, Result } from "../contract/sentinel_types.ts";
import { fetchCapability, type HttpFetch, type HttpFetchFailure, type HttpFetchRequest } from "./fetch.ts";
import type { FetchPolicy } from "./fetch_policy.ts";
import { hostFixture } from "../../../tests/support/host_fixture.ts";

const ORIGINS = ["https://a.example", "https://b.example"];

type Outcome = Result<FetchResponse, HttpFetchFailure>;

function answer(status: number, location?: string, body = ""): Outcome {
  const headers = location === undefined ? [] : [{ name: "Location", value: location }];
  return { type: "ok", value: { status, headers, body: new TextEncoder().encode(body) } };
}

/** An agent's fetch over a transport that gives these answers in turn. */
function agentFetch(policy: Partial<FetchPolicy>, ...answers: (Outcome | Promise<Outcome>)[]) {
  const sent: HttpFetchRequest[] = [];
  const transport: HttpFetch = async (request) => {
    sent.push(request);
    return answers[sent.length - 1] ?? answer(500);
  };
  const fixture = hostFixture({ fetch: { policy: { origins: ORIGINS, ...policy }, transport } });
  const fetch = fetchCapability.create(fixture.deps);
  const send = (request: Partial<FetchRequest> = {}) =>
    fetch.send({
      method: "GET",
      url: "https://a.example/",
      headers: [],
      body: undefined,
      timeoutMs: 0,
      ...request,
    });
  return { ...fixture, sent, send };
}

Deno.test("fetch: sends what was asked and gives back what came", async () => {
  const { send, sent, metered } = agentFetch({}, answer(201, undefined, "made"));
  const headers = [{ name: "x-key", value: "1" }];
  const body = Uint8Array.of(1, 2, 3);
  const result = await send({ method: "POST", url: "https://a.example/x?y#z", headers, body });
  deepEqual(result, answer(201, undefined, "made"));
  const { method, url, headers: lines, body: bytes, timeoutMs, responseBytesMax } = sent[0]!;
  deepEqual({ method, lines, bytes, timeoutMs, responseBytesMax }, {
    method: "POST",
    lines: headers,
    bytes: body,
    timeoutMs: 5000,
    responseBytesMax: 1024 * 1024,
  });
  equal(url, "https://a.example/x?y#z");
  equal(bytes === body, false, "a copy, since the guest's memory may change");
  deepEqual(metered, ["call fetch 32", "answer fetch 4"]);
});

Deno.test("fetch: what is not allowed is not sent", async () => {
  const cases: readonly { name: string; request: Partial<FetchRequest>; want: string; reason: string }[] = [
    {
      name: "another origin",
      request: { url: "https://c.example/" },
      want: "The origin https://c.example is not listed",
      reason: "origin",
    },
    {
      name: "another scheme",
      request: { url: "http://a.example/" },
      want: "The origin http://a.example is not listed",
      reason: "origin",
    },
    { name: "no URL", request: { url: "/path" }, want: "The URL cannot be read", reason: "url" },
    {
      name: "a password",
      request: { url: "https://me:pw@a.example/" },
      want: "The URL holds a password: send an authorization header instead",
      reason: "url",
    },
    {
      name: "a header of the connection's",
      request: { headers: [{ name: "Host", value: "c.example" }] },
      want: "The header Host is not for the agent to set",
      reason: "header",
    },
    {
      name: "a body too large",
      request: { method: "PUT", body: new Uint8Array(9) },
      want: "The body has 9 bytes; 8 are allowed",
      reason: "size",
    },
  ];
  for (const { name, request, want, reason } of cases) {
    const { send, sent, metered } = agentFetch({ requestBytesMax: 8 }, answer(200));
    deepEqual(await send(request), { type: "error", value: want }, name);
    equal(sent.length, 0, name);
    equal(metered.at(-1), `refused fetch ${reason}`, name);
  }
});

Deno.test("fetch: the shorter of both time limits holds", async () => {
  for (
    const { asked, want } of [{ asked: 0, want: 800 }, { asked: 799, want: 799 }, { asked: 801, want: 800 }]
  ) {
    const { send, sent } = agentFetch({ timeoutMs: 800 }, answer(200));
    await send({ timeoutMs: asked });
    equal(sent[0]!.timeoutMs, want);
  }
});

Deno.test("fetch: redirects share one time limit", async () => {
  const { deps, time, metered } = hostFixture();
  const timeouts: number[] = [];
  const transport: HttpFetch = async (request) => {
    timeouts.push(request.timeoutMs);
    time.nowMs += 60;
    return answer(302, "/next");
  };
  const fetch = fetchCapability.create({
    ...deps,
    fetch: { policy: { origins: ORIGINS, timeoutMs: 100 }, transport },
  });
  const request = { method: "GET", url: "https://a.example/", headers: [], body: undefined, timeoutMs: 0 };
  deepEqual(await fetch.send(request), { type: "error", value: "There was no answer within 100 ms" });
  deepEqual(timeouts, [100, 40]);
  equal(metered.at(-1), "refused fetch timeout");
});

Deno.test("fetch: an answer below, at and above the bound", async () => {
  for (const length of [3, 4, 5]) {
    const { send, metered } = agentFetch({ responseBytesMax: 4 }, answer(200, undefined, "x".repeat(length)));
    const result = await send();
    equal(result.type, length > 4 ? "error" : "ok");
    equal(metered.at(-1), length > 4 ? "refused fetch response-size" : `answer fetch ${length}`);
  }
});

Deno.test("fetch: requests in flight below, at and above the bound", async () => {
  const gate = Promise.withResolvers<Outcome>();
  const { send, metered } = agentFetch({ inFlightMax: 2 }, gate.promise, gate.promise, answer(204));
  const [first, second] = [send(), send()];
  deepEqual(await send(), { type: "error", value: "2 requests of this agent are on their way already" });
  equal(metered.at(-1), "refused fetch busy");
  gate.resolve(answer(200));
  deepEqual([(await first).type, (await second).type], ["ok", "ok"]);
  equal((await send()).type, "ok", "there is room again");
});

Deno.test("fetch: a transport that fails gives its place back", async () => {
  const failure: Outcome = { type: "error", value: { reason: "address", message: "private" } };
  const { send, metered } = agentFetch({ inFlightMax: 1 }, failure, answer(200));
  deepEqual(await send(), { type: "error", value: "private" });
  equal(metered.at(-1), "refused fetch address");
  equal((await send()).type, "ok");
});

Deno.test("fetch: a redirect is followed where the agent may go, and handed over where it may not", async () => {
  const cases = [
    { name: "within the origin", location: "/next?x", next: "https://a.example/next?x" },
    { name: "to another that is listed", location: "https://b.example/#top", next: "https://b.example/" },
    { name: "to one that is not", location: "https://c.example/", next: undefined },
    { name: "to another scheme", location: "http://a.example/", next: undefined },
    { name: "to an address inside", location: "http://169.254.169.254/", next: undefined },
    { name: "with a password", location: "https://me:pw@a.example/", next: undefined },
    { name: "to nowhere", location: "https://", next: undefined },
    { name: "without a location", location: undefined, next: undefined },
  ];
  for (const { name, location, next } of cases) {
    const { send, sent } = agentFetch({}, answer(307, location), answer(200));
    const result = await send();
    deepEqual(result, next === undefined ? answer(307, location) : answer(200), name);
    deepEqual(sent.slice(1).map((request) => request.url), next === undefined ? [] : [next], name);
  }
});

Deno.test("fetch: redirects below, at and above their number", async () => {
  for (const count of [2, 3, 4]) {
    const hops = Array.from({ length: count }, (_, index) => answer(302, `/${index}`));
    const { send, metered } = agentFetch({}, ...hops, answer(200));
    const result = await send();
    if (count <= 3) deepEqual(result, answer(200));
    else deepEqual(result, { type: "error", value: "There were more than 3 redirects" });
    equal(metered.at(-1), count <= 3 ? "answer fetch 0" : "refused fetch redirects");
  }
});

Deno.test("fetch: what a redirect does to method, body and headers", async () => {
  const headers = [
    { name: "Authorization", value: "secret" },
    { name: "Cookie", value: "secret" },
    { name: "Content-Type", value: "text/plain" },
    { name: "x-key", value: "1" },
  ];
  const cases = [
    { status: 301, method: "POST", to: "/", want: "GET", names: ["Authorization", "Cookie", "x-key"] },
    { status: 302, method: "PUT", to: "/", want: "PUT", names: headers.map(({ name }) => name) },
    { status: 303, method: "PUT", to: "/", want: "GET", names: ["Authorization", "Cookie", "x-key"] },
    { status: 307, method: "POST", to: "/", want: "POST", names: headers.map(({ name }) => name) },
    { status: 308, method: "POST", to: "https://b.example/", want: "POST", names: ["Content-Type", "x-key"] },
    { status: 303, method: "POST", to: "https://b.example/", want: "GET", names: ["x-key"] },
  ];
  for (const { status, method, to, want, names } of cases) {
    const { send, sent } = agentFetch({}, answer(status, to), answer(200));
    await send({ method, headers, body: Uint8Array.of(1) });
    equal(sent[1]!.method, want, `${status} ${method}`);
    deepEqual(sent[1]!.headers.map(({ name }) => name), names, `${status} ${method}`);
    equal(sent[1]!.body === undefined, want === "GET");
  }
});

Deno.test("fetch: addresses are judged by the URL that is being asked", async () => {
  const { send, sent } = agentFetch(
    { origins: [...ORIGINS, "http://10.0.0.5"] },
    answer(302, "http://10.0.0.5/"),
    answer(200),
  );
  await send();
  deepEqual(sent.map((request) => request.mayConnect("10.0.0.5")), [false, true]);
  deepEqual(sent.map((request) => request.mayConnect("93.184.216.34")), [true, false]);
});
