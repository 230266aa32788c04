import { equal, match } from "node:assert/strict";
import { OptionStage } from "../support/option_stage.ts";
import { Authority } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";

const ignore = !(hasCommand("openssl") && hasCommand("curl")) && Deno.env.get("CI") === undefined;
const BODY_BYTES = 5_000_000;

/** The first digits of what identifies the bytes. */
async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash.subarray(0, 8), (octet) => octet.toString(16).padStart(2, "0")).join("");
}

async function curl(args: readonly string[]): Promise<Uint8Array<ArrayBuffer>> {
  const { stdout, code } = await new Deno.Command("curl", { args: ["-s", "-m", "20", ...args] }).output();
  equal(code, 0, args.join(" "));
  return stdout;
}

Deno.test({
  name: "TLS: large bodies arrive as they were sent, and a PROXY header may come first",
  ignore,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-tls-bodies-" });
    const body = new Uint8Array(BODY_BYTES).map((_, i) => (i * 7 + (i >> 8)) & 255);
    await using origin = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      if (request.method === "GET") return new Response(body);
      return new Response(await digest(new Uint8Array(await request.arrayBuffer())));
    });
    try {
      const root = await Authority.root(folder, "root");
      const { cert, key } = await root.issue("site", { names: ["IP:127.0.0.1"] });
      const tls = `protocol "https"; tls { cert-file "${cert}"; key-file "${key}"; }`;
      await using stage = await OptionStage.start((place) =>
        `system { worker-threads 1; }
listeners {
  listener "https" { address "127.0.0.1:${place.port("https")}"; ${tls}; }
  listener "announced" { address "127.0.0.1:${
          place.port("announced")
        }"; proxy-protocol #true; proxy-protocol-from "127.0.0.1"; ${tls}; }
}
routes { route "all" { matches { path-prefix "/"; }; upstream "origin"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${origin.addr.port}"; }; }
observability { metrics { enabled #false; }; logging { level "warn"; access-log { enabled #false; }; error-log { enabled #false; }; }; }
`
      );
      await Deno.writeFile(`${folder}/body`, body);
      const want = await digest(body);
      const base = ["--cacert", root.pair.cert];
      const url = `https://127.0.0.1:${stage.port("https")}/`;
      for (const version of [["--http1.1"], ["--http2"], ["--http1.1", "--tls-max", "1.2"]]) {
        await t.step(version.join(" "), async () => {
          equal(await digest(await curl([...base, ...version, url])), want);
          const sent = await curl([...base, ...version, "--data-binary", `@${folder}/body`, url]);
          equal(new TextDecoder().decode(sent), want);
        });
      }
      await t.step("PROXY header", async () => {
        const announced = `https://127.0.0.1:${stage.port("announced")}/`;
        equal(await digest(await curl([...base, "--haproxy-protocol", announced])), want);
        const { code } = await new Deno.Command("curl", { args: ["-s", ...base, announced] }).output();
        match(String(code), /^(?:35|52|56)$/, "without it there is no handshake");
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
