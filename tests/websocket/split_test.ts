import { equal } from "node:assert/strict";
import { ServingSentinel } from "../support/process.ts";
import { openWebSocket, WebSocketOrigin } from "../support/websocket_peer.ts";

Deno.test("a route that shares its requests among upstreams takes WebSockets too", async () => {
  await using origin = new WebSocketOrigin();
  await using sentinel = await ServingSentinel.start(({ port, adminPort }) => `
system { worker-threads 1; }
listeners { listener "http" { address "127.0.0.1:${port}"; }; }
upstreams {
  upstream "a" { target "127.0.0.1:${origin.port}"; };
  upstream "b" { target "127.0.0.1:${origin.port}"; };
}
routes {
  route "ws" { matches { path-prefix "/"; }; websocket #true; traffic-split { upstream "a"; upstream "b"; }; };
}
observability { metrics { address "127.0.0.1:${adminPort}"; }; }
`);
  for (let i = 0; i < 8; i++) {
    const { status, peer } = await openWebSocket(sentinel.port);
    equal(status, 101);
    await peer.text(`hello ${i}`);
    equal(await peer.nextText(), `hello ${i}`);
    peer.close();
  }
});
