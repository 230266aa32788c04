import { deepEqual, equal, ok } from "node:assert/strict";
import { ask, bodyOf, namedOrigin, OptionStage, receivedHeader } from "../support/option_stage.ts";
import { eventually } from "../support/servers.ts";

const WAIT_MS = 8000;

interface Place {
  port(name: string): number;
}

function config(place: Place, ports: { real: number; copy: number }, shadow: string, more = ""): string {
  return `system { worker-threads 2; graceful-shutdown-timeout-secs 3; }
    listeners { listener "http" { address "127.0.0.1:${place.port("http")}"; } }
    routes {
      route "all" {
        matches { path-prefix "/" }
        upstream "real"
        shadow { upstream "copy"; ${shadow} }
        ${more}
      }
    }
    upstreams {
      upstream "real" { target "127.0.0.1:${ports.real}" }
      upstream "copy" { target "127.0.0.1:${ports.copy}" }
    }
    observability { metrics { address "127.0.0.1:${place.port("admin")}" } }`;
}

async function metric(stage: OptionStage, pattern: RegExp): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${stage.port("admin")}/metrics`);
  return pattern.exec(await response.text())?.[1];
}

Deno.test("shadow: a copy gets what the real upstream got, marked, and the client sees nothing of it", async () => {
  await using real = namedOrigin("real");
  await using copy = namedOrigin("copy");
  await using stage = await OptionStage.start((place) =>
    config(place, { real: real.port, copy: copy.port }, 'buffer-body #true; compare "metrics"')
  );
  const answer = await ask(stage.port("http"), "/a/b?c=d", {
    method: "POST",
    headers: ["X-Request-Id: one", "X-Odd: Värde"],
    body: "the body",
  });
  equal(bodyOf(answer), "real");
  ok(await eventually(WAIT_MS, () => copy.requests.length === 1), "the copy arrived");
  const [got] = copy.requests;
  const [wanted] = real.requests;
  equal(got!.method, "POST");
  equal(got!.target, "/a/b?c=d");
  equal(new TextDecoder().decode(got!.body), "the body");
  equal(receivedHeader(got, "x-shadow-request"), "true");
  equal(receivedHeader(wanted, "x-shadow-request"), undefined);
  const without = got!.headers.filter(([name]) => name.toLowerCase() !== "x-shadow-request");
  deepEqual(without, wanted!.headers, "all other headers are the same");
  ok(
    await eventually(
      WAIT_MS,
      async () => await metric(stage, /shadow_compared_total\{[^}]*result="same"[^}]*\} (\d+)/) === "1",
    ),
    "the comparison was counted",
  );
  equal(await metric(stage, /shadow_requests_total\{[^}]*result="completed"[^}]*\} (\d+)/), "1");
});

Deno.test("shadow: with its upstream refusing or hanging, real answers are as they were", async () => {
  await using real = namedOrigin("real");
  await using hanging = namedOrigin("copy", { "/": (connection) => connection.gone });
  await using stage = await OptionStage.start((place) =>
    config(place, { real: real.port, copy: hanging.port }, 'max-concurrent 2; timeout-ms 500; compare "log"')
  );
  for (let i = 0; i < 10; i++) equal(bodyOf(await ask(stage.port("http"), `/${i}`)), "real");
  const count = (result: string) =>
    metric(stage, new RegExp(`shadow_requests_total\\{[^}]*result="${result}"[^}]*\\} (\\d+)`)).then(Number);
  ok(await eventually(WAIT_MS, async () => await count("failed") >= 2), "those under way time out");
  const [failed, dropped] = [await count("failed"), await count("dropped")];
  equal(failed + dropped, 10, "of two threads together no more than two are under way");
  ok(hanging.requests.length <= failed);
  ok(
    await eventually(
      WAIT_MS,
      () => /A copied request was answered with another status/.test(stage.process.stderr),
    ),
  );
});

Deno.test("shadow: SIGTERM does not wait for copies", async () => {
  await using real = namedOrigin("real");
  await using hanging = namedOrigin("copy", { "/": (connection) => connection.gone });
  await using stage = await OptionStage.start((place) =>
    config(place, { real: real.port, copy: hanging.port }, "timeout-ms 60000").replace(
      "graceful-shutdown-timeout-secs 3",
      "graceful-shutdown-timeout-secs 60",
    )
  );
  equal(bodyOf(await ask(stage.port("http"), "/")), "real");
  ok(await eventually(WAIT_MS, () => hanging.requests.length === 1));
  const startMs = performance.now();
  stage.process.signal("SIGTERM");
  equal(await stage.process.ended(), 0);
  ok(performance.now() - startMs < 30_000, "less than the time that real requests have");
  ok(!/cut off/.test(stage.process.stderr));
});
