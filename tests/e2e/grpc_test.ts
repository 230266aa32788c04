import { deepEqual, equal, match, ok } from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { GrpcClient, GrpcService } from "../support/grpc_peer.ts";
import { eventually, freePort, ROOT, Sentinel } from "../support/servers.ts";

const CERTS = `${ROOT}tests/support/certs`;
const SERVER_NAME = "server.test";

/** A proxy for gRPC, without TLS and with it: one route to the service, one to nobody. */
function config(ports: { plain: number; tls: number; service: number; dead: number }): string {
  return `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners {
  listener "plain" { address "127.0.0.1:${ports.plain}"; }
  listener "edge" { address "127.0.0.1:${ports.tls}"; protocol "https"
    tls { cert-file "${CERTS}/server.pem"; key-file "${CERTS}/server.key"; }; }
}
routes {
  route "texts" { matches { path-prefix "/test.Texts/"; }; upstream "service"; }
  route "dead" { matches { path-prefix "/test.Dead/"; }; upstream "dead"; }
}
upstreams {
  upstream "service" { target "127.0.0.1:${ports.service}"; http-version { min-version 2; }; }
  upstream "dead" { target "127.0.0.1:${ports.dead}"; http-version { min-version 2; }; }
}
observability {
  metrics { enabled #false; }
  logging { level "warn"; error-log { enabled #false; }; access-log { file "FOLDER/access.log"; }; }
}
`;
}

/** The four kinds of calls, errors, deadlines and cancellation, by one client. */
async function calls(
  t: Deno.TestContext,
  { way, service, client }: { way: string; service: GrpcService; client: GrpcClient },
): Promise<void> {
  await t.step(`${way}: unary`, async () => {
    const { messages, code, trailers } = await client.call("Upper", ["hello"]);
    deepEqual(messages, ["HELLO"]);
    equal(code, status.OK);
    equal(trailers["x-trailer"], "behind the message");
  });
  await t.step(`${way}: the service's own errors`, async () => {
    const { messages, code, details, trailers } = await client.call("Upper", ["fail"]);
    deepEqual(messages, []);
    equal(code, status.FAILED_PRECONDITION);
    equal(details, "it fäils");
    equal(trailers["x-why"], "asked to");
  });
  await t.step(`${way}: client streaming`, async () => {
    const parts = Array.from({ length: 500 }, (_, i) => `part${i}`);
    const { messages, code } = await client.call("Join", parts);
    equal(code, status.OK);
    equal(messages[0], parts.join("+"));
  });
  await t.step(`${way}: a message larger than every window`, async () => {
    const long = "x".repeat(2_000_000);
    const { messages, code } = await client.call("Upper", [long]);
    equal(code, status.OK);
    equal(messages[0], long.toUpperCase());
  });
  await t.step(`${way}: server streaming`, async () => {
    const { messages, code, trailers } = await client.call("Count", ["1000"]);
    equal(code, status.OK);
    equal(messages.length, 1000);
    equal(messages[999], "999");
    equal(trailers["x-count"], "1000");
  });
  await t.step(`${way}: both directions, in turns`, async () => {
    deepEqual(await client.converse(["a", "b", "c"]), ["<a>", "<b>", "<c>"]);
  });
  await t.step(`${way}: many at once`, async () => {
    const calls = Array.from({ length: 200 }, (_, i) => client.call("Upper", [`call ${i}`]));
    const outcomes = await Promise.all(calls);
    outcomes.forEach(({ messages }, i) => deepEqual(messages, [`CALL ${i}`]));
  });
  await t.step(`${way}: a deadline reaches the service, and its end too`, async () => {
    const { code } = await client.call("Upper", ["hang"], { deadlineMs: 300 });
    equal(code, status.DEADLINE_EXCEEDED);
    const told = service.events.deadlines.at(-1);
    ok(told instanceof Date || (typeof told === "number" && told !== Infinity), "grpc-timeout was lost");
    ok(await eventually(3000, () => service.events.cancelled.includes("Upper")));
  });
  await t.step(`${way}: a call that the client gives up is given up at the service`, async () => {
    const { code } = await client.call("Count", ["endless"], { cancelAfterFirst: true });
    equal(code, status.CANCELLED);
    ok(await eventually(3000, () => service.events.cancelled.includes("Count")));
    equal((await client.call("Upper", ["still there"])).messages[0], "STILL THERE");
  });
}

Deno.test("grpc: calls of all four kinds pass with their trailers, with TLS and without", async (t) => {
  await using service = await GrpcService.start();
  const ports = { plain: freePort(), tls: freePort(), service: service.port, dead: freePort() };
  await using sentinel = await Sentinel.start({ kdl: config(ports), ready: ports.tls });
  {
    using client = new GrpcClient(`127.0.0.1:${ports.plain}`);
    await calls(t, { way: "h2c", service, client });
  }
  using client = new GrpcClient(`127.0.0.1:${ports.tls}`, {
    ca: await Deno.readTextFile(`${CERTS}/ca.pem`),
    serverName: SERVER_NAME,
  });
  await calls(t, { way: "TLS", service, client });
  await t.step("a client that does not believe the certificate calls nobody", async () => {
    using stranger = new GrpcClient(`127.0.0.1:${ports.tls}`, {
      ca: await Deno.readTextFile(`${CERTS}/other_ca.pem`),
      serverName: SERVER_NAME,
    });
    equal((await stranger.call("Upper", ["hello"], { deadlineMs: 3000 })).code, status.UNAVAILABLE);
  });
  await t.step("the log says which protocol it was", async () => {
    const log = () => Deno.readTextFileSync(`${sentinel.folder}/access.log`);
    ok(await eventually(3000, () => /"protocol":"HTTP\/2".*"tls":\{"version":"TLSv1\.3"/.test(log())));
  });
});

Deno.test("grpc: errors of the proxy are errors that a gRPC client reads", async (t) => {
  await using service = await GrpcService.start();
  const port = freePort();
  const ports = { plain: port, tls: freePort(), service: service.port, dead: freePort() };
  await using _sentinel = await Sentinel.start({ kdl: config(ports), ready: port });
  const { connect } = await import("node:http2");
  const session = connect(`http://127.0.0.1:${port}`);
  const ask = (path: string, headers: Record<string, string>) =>
    new Promise<Record<string, unknown>>((resolve, reject) => {
      const stream = session.request({ ":method": "POST", ":path": path, ...headers });
      stream.on("response", (head) => resolve({ ...head }));
      stream.on("error", reject);
      stream.resume();
      stream.end();
    });
  const grpc = { "content-type": "application/grpc+proto", te: "trailers" };

  await t.step("no route", async () => {
    const head = await ask("/nowhere", grpc);
    equal(head[":status"], 200);
    equal(head["content-type"], "application/grpc");
    equal(head["grpc-status"], String(status.UNIMPLEMENTED));
  });
  await t.step("nobody there", async () => {
    const head = await ask("/test.Dead/Call", grpc);
    equal(head["grpc-status"], String(status.UNAVAILABLE));
    match(String(head["grpc-message"]), /connection/);
  });
  await t.step("others get a page", async () => {
    const head = await ask("/nowhere", { "content-type": "application/json" });
    equal(head[":status"], 404);
    equal(head["grpc-status"], undefined);
  });
  session.close();
});
