import { equal, match, ok } from "node:assert/strict";
import { ask, bodyOf, namedOrigin, OptionStage, receivedHeader } from "../support/option_stage.ts";
import { exchange, headerOf, RawClient, within } from "../support/raw_client.ts";

const HEAD = "GET /a HTTP/1.1\r\nHost: example.test\r\n";
const WHOLE = `${HEAD}\r\n`;
const LARGE_BYTES = 32 * 1024 * 1024;

const listener = (id: string, port: number, options = "") =>
  `listener "${id}" { address "127.0.0.1:${port}"; ${options} }`;

function config(place: { folder: string; port(name: string): number }, originPort: number): string {
  const own = (id: string, options: string) => listener(id, place.port(id), options);
  return `system { worker-threads 1; trace-id-format "uuid"; graceful-shutdown-timeout-secs 1; }
listeners {
  ${own("plain", "")}
  ${own("head", "header-timeout-secs 0.4")}
  ${own("request", "request-timeout-secs 0.5")}
  ${own("idle", 'keepalive-timeout-secs "300ms"')}
  ${own("send", "send-timeout-secs 0.7")}
  ${own("rate", "min-body-rate-bytes 1000")}
  ${own("any-rate", "min-body-rate 0")}
  ${own("two", "keepalive-max-requests 2")}
  ${own("few", "max-connections 2")}
  ${own("fallback", 'default-route "fallback"')}
  ${own("trusting", 'trusted-proxies "127.0.0.0/8"')}
  ${own("announced", 'proxy-protocol #true; trusted-proxies "127.0.0.1"')}
  ${own("elsewhere", 'proxy-protocol #true; proxy-protocol-from "10.0.0.0/8"; header-timeout-secs 1')}
  listener "path" { address "unix:${place.folder}/listener.sock"; }
}
routes {
  route "all" { matches { path-prefix "/"; method "GET" "POST"; }; upstream "origin"; }
  route "fallback" { matches { path "/never-asked-for"; }; upstream "origin"; policies { response-headers { set { X-Route "fallback"; }; }; }; }
}
upstreams { upstream "origin" { target "127.0.0.1:${originPort}"; }; }
observability { metrics { enabled #false; }; logging { level "warn"; error-log { enabled #false; }; }; }
`;
}

interface Stage {
  readonly origin: ReturnType<typeof namedOrigin>;
  readonly stage: OptionStage;
  /** Resolves once the proxy has ended the connection that the large response came on. */
  readonly largeEnded: Promise<void>;
}

/** Sends the start of a request and reads until the connection is closed; how long that took, and the status. */
async function cut(port: number, start: string): Promise<{ afterMs: number; status: number | undefined }> {
  const startedMs = performance.now();
  const { responses, end } = await exchange(port, start, { timeoutMs: 12_000 });
  equal(end, "closed");
  return { afterMs: performance.now() - startedMs, status: responses[0]?.status };
}

const CASES: readonly { name: string; run(given: Stage): Promise<void> }[] = [
  {
    name: "header-timeout-secs",
    async run({ stage }) {
      const { afterMs, status } = await cut(stage.port("head"), HEAD);
      equal(status, 408);
      ok(afterMs > 300 && afterMs < 3000, `after ${afterMs} ms`);
    },
  },
  {
    name: "request-timeout-secs",
    async run({ stage }) {
      const start = `POST /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 10\r\n\r\nabc`;
      const { afterMs, status } = await cut(stage.port("request"), start);
      equal(status, 408);
      ok(afterMs > 400 && afterMs < 3500, `after ${afterMs} ms`);
    },
  },
  {
    name: "keepalive-timeout-secs",
    async run({ stage }) {
      const { afterMs, status } = await cut(stage.port("idle"), WHOLE);
      equal(status, 200, "the request before the silence is answered, the silence is not");
      ok(afterMs > 250 && afterMs < 3000, `after ${afterMs} ms`);
    },
  },
  {
    name: "send-timeout-secs",
    async run({ stage, largeEnded }) {
      const client = await RawClient.connect(stage.port("send"));
      const startedMs = performance.now();
      try {
        await client.send("GET /large HTTP/1.1\r\nHost: example.test\r\n\r\n");
        // Nothing is read, so the proxy's writes stall; giving the client up ends the origin's connection too.
        ok(await within(8000, largeEnded.then(() => true), false), "the client is not given up");
        ok(performance.now() - startedMs > 600);
        ok(await client.closedWithin(5000), "the connection is still open");
        ok(client.received.length < LARGE_BYTES, "the whole response arrived");
      } finally {
        client.close();
      }
    },
  },
  {
    name: "min-body-rate-bytes",
    async run({ stage }) {
      const head = "POST /a HTTP/1.1\r\nHost: example.test\r\nContent-Length: 100000\r\n\r\n";
      const [slow, free] = await Promise.all([
        trickle(stage.port("rate"), head),
        trickle(stage.port("any-rate"), head),
      ]);
      equal(slow.status, 408);
      ok(slow.afterMs > 4500 && slow.afterMs < 9000, `after ${slow.afterMs} ms`);
      equal(free.status, undefined, "a rate of 0 cuts nobody");
    },
  },
  {
    name: "keepalive-max-requests",
    async run({ stage }) {
      const { responses, end } = await exchange(stage.port("two"), WHOLE + WHOLE + WHOLE, {
        timeoutMs: 4000,
      });
      equal(responses.map(({ status }) => status).join(), "200,200");
      equal(headerOf(responses[0]!, "connection"), undefined);
      equal(headerOf(responses[1]!, "connection"), "close");
      equal(end, "closed");
    },
  },
  {
    name: "max-connections of a listener",
    async run({ stage }) {
      const clients = await Promise.all([1, 2].map(() => RawClient.connect(stage.port("few"))));
      try {
        for (const client of clients) {
          await client.send(WHOLE);
          equal((await client.response({ timeoutMs: 3000 }))?.status, 200);
        }
        const { responses, end } = await exchange(stage.port("few"), WHOLE, { timeoutMs: 3000 });
        equal(responses.map(({ status }) => status).join(), "503");
        equal(end, "closed");
      } finally {
        for (const client of clients) client.close();
      }
      equal((await ask(stage.port("plain"), "/a")).status, 200, "other listeners are not concerned");
    },
  },
  {
    name: "default-route",
    async run({ stage }) {
      equal((await ask(stage.port("plain"), "/a", { method: "PUT" })).status, 404);
      const response = await ask(stage.port("fallback"), "/a", { method: "PUT" });
      equal(response.status, 200);
      equal(headerOf(response, "x-route"), "fallback");
    },
  },
  {
    name: "trusted-proxies of a listener",
    async run({ stage, origin }) {
      for (const [id, want] of [["plain", "127.0.0.1"], ["trusting", "203.0.113.9"]] as const) {
        await ask(stage.port(id), `/trusted-${id}`, {
          headers: ["X-Forwarded-For: 203.0.113.9", "X-Forwarded-Proto: https"],
        });
        const seen = origin.requests.find(({ target }) => target === `/trusted-${id}`);
        match(receivedHeader(seen, "x-forwarded-for") ?? "", new RegExp(`^${want}`));
        equal(receivedHeader(seen, "x-forwarded-proto"), id === "plain" ? "http" : "https");
      }
    },
  },
  {
    name: "proxy-protocol from the trusted proxies, or from its own list alone",
    async run({ stage, origin }) {
      const header = "PROXY TCP4 203.0.113.7 127.0.0.1 8080 80\r\n";
      const text = `${header}GET /announced HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n`;
      equal((await exchange(stage.port("announced"), text, { timeoutMs: 3000 })).responses[0]?.status, 200);
      const seen = origin.requests.find(({ target }) => target === "/announced");
      match(receivedHeader(seen, "x-forwarded-for") ?? "", /^203\.0\.113\.7/);
      const foreign = await exchange(stage.port("elsewhere"), text, { timeoutMs: 3000 });
      ok(foreign.responses.every(({ status }) => status === 400), "an unknown sender is not believed");
      equal(foreign.end, "closed");
    },
  },
  {
    name: "address on a Unix socket",
    async run({ stage }) {
      equal(bodyOf(await ask(`${stage.folder}/listener.sock`, "/a")), "origin");
    },
  },
  {
    name: "trace-id-format uuid",
    async run({ stage, origin }) {
      const response = await ask(stage.port("plain"), "/traced");
      const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
      match(headerOf(response, "x-correlation-id") ?? "", uuid);
      const seen = origin.requests.find(({ target }) => target === "/traced");
      equal(receivedHeader(seen, "x-request-id"), headerOf(response, "x-correlation-id"));
    },
  },
];

/** Sends ten bytes every 200 ms for eight seconds, or until the peer answers. */
async function trickle(port: number, head: string): Promise<{ afterMs: number; status: number | undefined }> {
  const client = await RawClient.connect(port);
  const startedMs = performance.now();
  try {
    await client.send(head);
    while (performance.now() - startedMs < 8000 && !await client.closedWithin(200)) {
      await client.send("x".repeat(10));
    }
    const status = /^HTTP\/1\.1 (\d{3})/.exec(new TextDecoder().decode(client.received))?.[1];
    return {
      afterMs: performance.now() - startedMs,
      status: status === undefined ? undefined : Number(status),
    };
  } finally {
    client.close();
  }
}

Deno.test("options of listeners take their documented effect", async (t) => {
  const large = Promise.withResolvers<void>();
  await using origin = namedOrigin("origin", {
    "/large": async (connection) => {
      await connection.send(`HTTP/1.1 200 OK\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n`);
      const piece = new Uint8Array(1024 * 1024);
      void connection.gone.then(large.resolve);
      for (let sent = 0; sent < LARGE_BYTES; sent += piece.length) await connection.send(piece);
    },
  });
  await using stage = await OptionStage.start((place) => config(place, origin.port));
  const given = { stage, origin, largeEnded: large.promise };
  const steps = CASES.map(({ name, run }) =>
    t.step({ name, fn: () => run(given), sanitizeOps: false, sanitizeResources: false, sanitizeExit: false })
  );
  ok((await Promise.all(steps)).every((passed) => passed), stage.process.output);
});
