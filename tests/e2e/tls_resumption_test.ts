import { deepEqual, equal, ok } from "node:assert/strict";
import { OptionStage } from "../support/option_stage.ts";
import { Authority } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";
import { visit } from "../support/tls_client.ts";

const ignore = !hasCommand("openssl") && Deno.env.get("CI") === undefined;
const WORKERS = 2;
const VISITS = 24;

/**
 * The engine keeps the keys of tickets within a thread, and the kernel sends a connection to any of them: half of
 * the tickets come to the wrong one of two threads. What matters is that they cost nothing but the shorter way.
 */
Deno.test({
  name: "TLS: a ticket is good at the thread that gave it, and harmless at others",
  ignore: ignore || Deno.build.os !== "linux",
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-tickets-" });
    try {
      const root = await Authority.root(folder, "root");
      const { cert, key } = await root.issue("site", { names: ["DNS:www.example"] });
      await using stage = await OptionStage.start((place) =>
        `system { worker-threads ${WORKERS}; }
listeners { listener "https" { address "127.0.0.1:${place.port("https")}"; protocol "https"
  tls { cert-file "${cert}"; key-file "${key}"; }; }; }
routes { route "all" { matches { path-prefix "/"; }; service-type "builtin"; builtin-handler "health"; }; }
observability { metrics { address "127.0.0.1:${place.port("admin")}"; }
  logging { level "warn"; access-log { enabled #false; }; }; }
`
      );
      const port = stage.port("https");
      const counted = async (labels: string) => {
        const text = await (await fetch(`http://127.0.0.1:${stage.port("admin")}/metrics`)).text();
        const name = `sentinel_tls_handshakes_total{listener="https",${labels}}`;
        return Number(text.split("\n").find((line) => line.startsWith(name))?.split(" ")[1] ?? 0);
      };
      for (const [flag, version] of [["-tls1_2", "TLSv1.2"], ["-tls1_3", "TLSv1.3"]] as const) {
        await t.step(version, async () => {
          const session = `${folder}/${version}.session`;
          equal((await visit(port, [flag, "-sess_out", session])).session, "New");
          const seen = { New: 0, Reused: 0 };
          for (let i = 0; i < VISITS; i++) {
            const { status, session: kind, complaints } = await visit(port, [flag, "-sess_in", session]);
            equal(status, 200, complaints);
            seen[kind as "New" | "Reused"]++;
          }
          // One run in millions has all of them at one thread.
          ok(seen.Reused > 0 && seen.New > 0, JSON.stringify(seen));
          deepEqual(
            [
              await counted(`version="${version}",resumed="true"`),
              await counted(`version="${version}",resumed="false"`),
            ],
            [seen.Reused, seen.New + 1],
          );
        });
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
