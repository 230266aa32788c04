/** Server-sent events and long polls: what the origin has said is with the client before it says more. */

import { equal, match, ok } from "node:assert/strict";
import { namedOrigin, OptionStage, type Place } from "../support/option_stage.ts";
import { RawClient, textOf } from "../support/raw_client.ts";
import { okResponse, type OriginConnection } from "../support/raw_origin.ts";
import { eventually } from "../support/servers.ts";

const WAIT_MS = 8000;
const SSE_HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-cache\r\n";

/** Everything that stands between a client and its upstream, at once. */
function config(place: Place, real: number, copy: number): string {
  return `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
    listeners { listener "http" { address "127.0.0.1:${place.port("http")}"; } }
    routes {
      route "all" {
        matches { path-prefix "/" }
        traffic-split { upstream "a" weight=1; upstream "b" weight=1; sticky-cookie "branch"; }
        shadow { upstream "copy"; buffer-body #true; compare "log"; }
        fallback { fallback-upstream "copy"; triggers { on-error-codes 503; on-latency-threshold-ms 60000; }; }
        policies { buffer-requests #true; buffer-responses #true; }
      }
      route "plain" { matches { path-prefix "/plain" }; upstream "a"; }
    }
    upstreams {
      upstream "a" { target "127.0.0.1:${real}" }
      upstream "b" { target "127.0.0.1:${real}" }
      upstream "copy" { target "127.0.0.1:${copy}" }
    }`;
}

/** Resolves once the client has received that text; throws with what it got instead. */
async function received(client: RawClient, text: string): Promise<void> {
  let got = "";
  const arrived = await eventually(WAIT_MS, async () => {
    got = textOf(await client.receivedAtLeast(1, WAIT_MS));
    if (got.includes(text)) return true;
    // Whatever more there is: wait for one byte beyond what is here.
    got = textOf(await client.receivedAtLeast(got.length + 1, WAIT_MS));
    return got.includes(text);
  });
  ok(arrived, `not received: ${text}\n${got}`);
}

function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

Deno.test("streaming: events and long polls pass at once, whatever else the route does", async (t) => {
  const streams: OriginConnection[] = [];
  await using real = namedOrigin("real", { "/": (connection) => void streams.push(connection) });
  await using copy = namedOrigin("copy");
  await using stage = await OptionStage.start((place) => config(place, real.port, copy.port));
  const open = async (request: string) => {
    const client = await RawClient.connect(stage.port("http"));
    await client.send(request);
    ok(await eventually(WAIT_MS, () => streams.length > 0), "the origin has the request");
    return { client, origin: streams.shift()! };
  };

  for (const path of ["/events", "/plain/events"]) {
    for (const framing of ["chunked", "until close"]) {
      await t.step(`server-sent events of ${path}, ${framing}`, async () => {
        const frame = framing === "chunked" ? chunk : (text: string) => text;
        const { client, origin } = await open(
          `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n`,
        );
        await origin.send(SSE_HEAD + (framing === "chunked" ? "Transfer-Encoding: chunked\r\n\r\n" : "\r\n"));
        await received(client, "text/event-stream");
        for (let i = 0; i < 5; i++) {
          await origin.send(frame(`id: ${i}\ndata: event ${i}\n\n`));
          // The next event is sent only after this one is with the client.
          await received(client, `data: event ${i}\n\n`);
        }
        client.close();
        await origin.gone;
      });
    }
  }

  await t.step("a long poll with a body waits, and is answered at once", async () => {
    const { client, origin } = await open(
      "POST /poll HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\npoll",
    );
    await origin.send(okResponse("news"));
    const response = await client.response({ timeoutMs: WAIT_MS });
    equal(textOf(response!.body), "news");
    match(response!.head, /^set-cookie: branch=/im);
    client.close();
  });

  await t.step("a client that leaves a long poll takes the request back from the origin", async () => {
    const { client, origin } = await open("GET /poll HTTP/1.1\r\nHost: x\r\n\r\n");
    client.close();
    await origin.gone;
  });
});
