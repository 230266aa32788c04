import { deepEqual, equal, match, ok } from "node:assert/strict";
import { status } from "@grpc/grpc-js";
import { GrpcClient, GrpcService } from "../support/grpc_peer.ts";
import { eventually, freePort, Sentinel } from "../support/servers.ts";

/** A proxy for gRPC: one route to the service, one to nobody. */
function config(port: number, servicePort: number, deadPort: number): string {
  return `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${port}"; }; }
routes {
  route "texts" { matches { path-prefix "/test.Texts/"; }; upstream "service"; }
  route "dead" { matches { path-prefix "/test.Dead/"; }; upstream "dead"; }
}
upstreams {
  upstream "service" { target "127.0.0.1:${servicePort}"; http-version { min-version 2; }; }
  upstream "dead" { target "127.0.0.1:${deadPort}"; http-version { min-version 2; }; }
}
observability {
  metrics { enabled #false; }
  logging { level "warn"; error-log { enabled #false; }; access-log { file "FOLDER/access.log"; }; }
}
`;
}

Deno.test("grpc: calls of all four kinds pass with their trailers", async (t) => {
  await using service = await GrpcService.start();
  const port = freePort();
  await using sentinel = await Sentinel.start({ kdl: config(port, service.port, freePort()), ready: port });
  using client = new GrpcClient(`127.0.0.1:${port}`);

  await t.step("unary", async () => {
    const { messages, code, trailers } = await client.call("Upper", ["hello"]);
    deepEqual(messages, ["HELLO"]);
    equal(code, status.OK);
    equal(trailers["x-trailer"], "behind the message");
  });
  await t.step("the service's own errors", async () => {
    const { messages, code, details, trailers } = await client.call("Upper", ["fail"]);
    deepEqual(messages, []);
    equal(code, status.FAILED_PRECONDITION);
    equal(details, "it fäils");
    equal(trailers["x-why"], "asked to");
  });
  await t.step("client streaming", async () => {
    const parts = Array.from({ length: 500 }, (_, i) => `part${i}`);
    const { messages, code } = await client.call("Join", parts);
    equal(code, status.OK);
    equal(messages[0], parts.join("+"));
  });
  await t.step("a message larger than every window", async () => {
    const long = "x".repeat(2_000_000);
    const { messages, code } = await client.call("Upper", [long]);
    equal(code, status.OK);
    equal(messages[0], long.toUpperCase());
  });
  await t.step("server streaming", async () => {
    const { messages, code, trailers } = await client.call("Count", ["1000"]);
    equal(code, status.OK);
    equal(messages.length, 1000);
    equal(messages[999], "999");
    equal(trailers["x-count"], "1000");
  });
  await t.step("both directions, in turns", async () => {
    deepEqual(await client.converse(["a", "b", "c"]), ["<a>", "<b>", "<c>"]);
  });
  await t.step("many at once", async () => {
    const calls = Array.from({ length: 200 }, (_, i) => client.call("Upper", [`call ${i}`]));
    const outcomes = await Promise.all(calls);
    outcomes.forEach(({ messages }, i) => deepEqual(messages, [`CALL ${i}`]));
  });
  await t.step("a deadline reaches the service, and its end too", async () => {
    const { code } = await client.call("Upper", ["hang"], { deadlineMs: 300 });
    equal(code, status.DEADLINE_EXCEEDED);
    const told = service.events.deadlines.at(-1);
    ok(told instanceof Date || (typeof told === "number" && told !== Infinity), "grpc-timeout was lost");
    ok(await eventually(3000, () => service.events.cancelled.includes("Upper")));
  });
  await t.step("a call that the client gives up is given up at the service", async () => {
    const { code } = await client.call("Count", ["endless"], { cancelAfterFirst: true });
    equal(code, status.CANCELLED);
    ok(await eventually(3000, () => service.events.cancelled.includes("Count")));
    equal((await client.call("Upper", ["still there"])).messages[0], "STILL THERE");
  });
  await t.step("the log says which protocol it was", async () => {
    const log = () => Deno.readTextFileSync(`${sentinel.folder}/access.log`);
    ok(await eventually(3000, () => /"protocol":"HTTP\/2"/.test(log())));
  });
});

Deno.test("grpc: errors of the proxy are errors that a gRPC client reads", async (t) => {
  await using service = await GrpcService.start();
  const port = freePort();
  await using _sentinel = await Sentinel.start({ kdl: config(port, service.port, freePort()), ready: port });
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
