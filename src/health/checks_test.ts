import assert from "node:assert/strict";
import { FakeDialer, type FakeSocket, FakeTime, settle } from "../../tests/support/fake_socket.ts";
import { runProbe } from "./check.ts";
import { findHealthCheck } from "./find_health_check.ts";
import { encodeRequest, servingStatus } from "./grpc.ts";
import { modelIds } from "./inference.ts";
import { CHECK_TYPES, type HealthCheckConfig } from "./options.ts";
import { HEALTH_CHECKS } from "./registry.ts";

const OPTIONS: HealthCheckConfig = {
  type: "http",
  intervalSecs: 10,
  timeoutSecs: 2,
  healthyThreshold: 2,
  unhealthyThreshold: 3,
  path: "/up",
  expectedStatus: [[200, 200]],
  maxBodySizeBytes: 1000,
  headers: [],
  expectedModels: [],
};

type Answers = Readonly<Record<string, string | undefined>>;

/** One check of a target that answers each path in its way; what it made of it, and what was asked. */
async function check(options: Partial<HealthCheckConfig>, answers: Answers) {
  const time = new FakeTime();
  const dialer = new FakeDialer();
  const asked: string[] = [];
  dialer.onSocket = (socket: FakeSocket) => {
    socket.onWrite = (written) => {
      socket.onWrite = null;
      asked.push(written);
      const answer = answers[written.split(" ")[1]!];
      if (answer !== undefined) socket.push(answer);
      socket.end();
    };
  };
  const probe = {
    address: "10.0.0.1:80",
    endpoint: { type: "ip", host: "10.0.0.1", port: 80 } as const,
    tls: undefined,
    options: { ...OPTIONS, ...options },
  };
  const kind = findHealthCheck(probe.options.type)!;
  let outcome: string;
  try {
    outcome = await runProbe(kind, probe, { dialer, clock: time, timers: time }) ?? "well";
  } catch (cause) {
    outcome = (cause as Error).message;
  }
  await settle();
  assert.equal(dialer.open, 0, "every connection is closed");
  assert.equal(time.pending, 1, "its timer is gone; the sweep of deadlines is left");
  return { outcome, asked };
}

const ok = (body: string, ...headers: string[]) =>
  [`HTTP/1.1 200 OK`, ...headers, `Content-Length: ${body.length}`, "", body].join("\r\n");

Deno.test("checks: every type of the configuration has its kind", () => {
  assert.deepEqual(HEALTH_CHECKS.map(({ type }) => type).toSorted(), [...CHECK_TYPES].toSorted());
});

Deno.test("http check: method, headers, and a body that holds what it should in every framing", async () => {
  const { asked, outcome } = await check(
    { method: "HEAD", headers: [["X-Check", "yes"], ["user-agent", "mine"]], host: "up.test" },
    { "/up": "HTTP/1.1 200 OK\r\n" },
  );
  assert.equal(outcome, "well");
  assert.deepEqual(asked[0]!.split("\r\n"), [
    "HEAD /up HTTP/1.1",
    "Host: up.test",
    "Accept: */*",
    "X-Check: yes",
    "user-agent: mine",
    "Connection: close",
    "",
    "",
  ]);
  const rows: [name: string, answer: string, want: string][] = [
    ["length", ok("all is ready"), "well"],
    ["until the end", "HTTP/1.1 200 OK\r\n\r\nall is ready", "well"],
    [
      "chunked",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nall is r\r\n4\r\neady\r\n0\r\n\r\n",
      "well",
    ],
    ["behind 100", "HTTP/1.1 100 C\r\n\r\n" + ok("ready"), "well"],
    ["another", ok("all is lost"), 'the body does not hold "ready"'],
    ["none", "HTTP/1.1 204 No\r\n\r\n", "status 204"],
    ["at the bound", ok("x".repeat(995) + "ready"), "well"],
    ["above the bound", ok("x".repeat(996) + "ready"), 'the body does not hold "ready"'],
    ["cut off", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nready", "the body of the answer is cut off"],
    ["endless head", "HTTP/1.1 200 OK\r\nA: " + "x".repeat(200_000), "the head of the answer is too long"],
  ];
  for (const [name, answer, want] of rows) {
    const { outcome } = await check({ expectedBody: "ready" }, { "/up": answer });
    assert.equal(outcome, want, name);
  }
});

Deno.test("inference check: the models that are expected, in every form of the list", async () => {
  assert.deepEqual(modelIds({ data: [{ id: "a" }, { id: "b" }, { id: 3 }] }), ["a", "b"]);
  assert.deepEqual(modelIds([{ id: "a" }, "b"]), ["a", "b"]);
  assert.deepEqual(modelIds({ models: [{ name: "a" }, { id: "b", name: "c" }] }), ["a", "b"]);
  assert.throws(() => modelIds({ object: "list" }), /lists no models/);
  const list = ok('{"data":[{"id":"llama-3-8b"},{"id":"gpt"}]}');
  const rows: [expectedModels: string[], want: string][] = [
    [[], "well"],
    [["llama-3-8b"], "well"],
    [["llama-3"], "well"],
    [["gpt-4o", "llama"], "well"],
    [["mistral"], 'model "mistral" is not available'],
  ];
  for (const [expectedModels, want] of rows) {
    const { outcome, asked } = await check({ type: "inference", expectedModels }, { "/v1/models": list });
    assert.equal(outcome, want);
    assert.match(asked[0]!, /^GET \/v1\/models HTTP\/1.1\r\n.*Accept: application\/json\r\n/s);
  }
  assert.equal(
    (await check({ type: "inference" }, { "/v1/models": ok("<html>") })).outcome.slice(0, 22),
    "the answer is not JSON",
  );
  const busy = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n";
  assert.equal(
    (await check({ type: "inference" }, { "/v1/models": busy })).outcome,
    "status 503 of /v1/models",
  );
});

Deno.test("inference check: readiness by a token, by models' states, by the queue", async () => {
  const list = ok('{"data":[{"id":"m"}],"load":{"queue":60}}', "X-Queue: 7");
  const rows: { readiness: HealthCheckConfig["readiness"]; answers: Answers; want: string }[] = [];
  const token = { endpoint: "/v1/completions", model: "m", prompt: ".", maxTokens: 1, timeoutSecs: 30 };
  rows.push({
    readiness: { inferenceProbe: token },
    answers: { "/v1/completions": ok('{"choices":[]}') },
    want: "well",
  });
  rows.push({
    readiness: { inferenceProbe: token },
    answers: { "/v1/completions": ok('{"error":"loading"}') },
    want: "the model's answer has no choices",
  });
  const states = {
    endpointPattern: "/v1/models/{model}/status",
    models: ["m", "a/b"],
    expectedStatus: "ready",
    statusField: "state.now",
    timeoutSecs: 5,
  };
  const ready = ok('{"state":{"now":"ready"}}');
  rows.push({
    readiness: { modelStatus: states },
    answers: { "/v1/models/m/status": ready, "/v1/models/a%2Fb/status": ready },
    want: "well",
  });
  rows.push({
    readiness: { modelStatus: states },
    answers: { "/v1/models/m/status": ready, "/v1/models/a%2Fb/status": ok('{"state":{"now":"loading"}}') },
    want: 'model "a/b" is "loading"',
  });
  const queue = { degradedThreshold: 50, unhealthyThreshold: 200, timeoutSecs: 5 };
  rows.push({ readiness: { queueDepth: { ...queue, header: "X-Queue" } }, answers: {}, want: "well" });
  rows.push({
    readiness: { queueDepth: { ...queue, bodyField: "load.queue" } },
    answers: {},
    want: "60 requests wait",
  });
  rows.push({
    readiness: { queueDepth: { ...queue, bodyField: "load.queue", unhealthyThreshold: 60 } },
    answers: {},
    want: "60 requests wait",
  });
  rows.push({
    readiness: { queueDepth: { ...queue, header: "X-None" } },
    answers: {},
    want: "the queue's depth is not told",
  });
  for (const { readiness, answers, want } of rows) {
    const { outcome } = await check({ type: "inference", readiness }, { "/v1/models": list, ...answers });
    assert.equal(outcome, want);
  }
});

Deno.test("inference check: what takes too long is not well", async () => {
  assert.equal(findHealthCheck("inference")!.timeoutMs!({ ...OPTIONS, type: "inference" }), 2000);
  const token = { endpoint: "/t", prompt: ".", maxTokens: 1, timeoutSecs: 30 };
  const readiness = { inferenceProbe: token };
  assert.equal(
    findHealthCheck("inference")!.timeoutMs!({ ...OPTIONS, type: "inference", readiness }),
    32_000,
  );
});

Deno.test("grpc check: messages", () => {
  assert.deepEqual([...encodeRequest("")], [0, 0, 0, 0, 0]);
  assert.deepEqual([...encodeRequest("ab")], [0, 0, 0, 0, 4, 0x0a, 2, 97, 98]);
  assert.deepEqual([...encodeRequest("x".repeat(200)).subarray(0, 9)], [0, 0, 0, 0, 203, 0x0a, 0xc8, 1, 120]);
  const rows: [bytes: number[], want: number | RegExp][] = [
    [[0, 0, 0, 0, 2, 8, 1], 1],
    [[0, 0, 0, 0, 0], 0],
    [[0, 0, 0, 0, 2, 8, 2], 2],
    [[0, 0, 0, 0, 6, 0x12, 2, 8, 2, 8, 1], 1],
    [[0, 0, 0, 0], /no message/],
    [[1, 0, 0, 0, 2, 8, 1], /compressed/],
    [[0, 0, 0, 0, 3, 8, 1], /broken/],
    [[0, 0, 0, 0, 1, 8], /broken/],
    [[0, 0, 0, 0, 2, 9, 1], /broken/],
  ];
  for (const [bytes, want] of rows) {
    const read = () => servingStatus(Uint8Array.from(bytes));
    if (typeof want === "number") assert.equal(read(), want);
    else assert.throws(read, want);
  }
});
