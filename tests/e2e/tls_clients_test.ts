/** Clients that people have: curl, nghttp2's nghttp and h2load, and Chromium. */

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { OptionStage, type Place } from "../support/option_stage.ts";
import { Authority, type Pair } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";

const isCi = Deno.env.get("CI") !== undefined;
const ignore = !["openssl", "curl", "nghttp", "h2load"].every(hasCommand) && !isCi;
const BROWSER = ["chromium", "chromium-browser", "google-chrome"].find(hasCommand);
const CLIENT_TIMEOUT_MS = 60_000;
const RESOURCES = 30;
const REQUESTS = 3000;
const UPLOAD_BYTES = 1_000_000;

function config(place: Place, { cert, key }: Pair, originPort: number): string {
  return `system { worker-threads 2; }
limits { max-connections-per-client 100000; }
listeners {
  listener "https" { address "127.0.0.1:${place.port("https")}"; protocol "https"
    tls { cert-file "${cert}"; key-file "${key}"; }; }
  listener "plain" { address "127.0.0.1:${place.port("plain")}"; }
  listener "away" { address "127.0.0.1:${place.port("away")}"; namespace "to-https"; }
}
filters { filter "hsts" { type "hsts"; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "origin"; filters "hsts"; }; }
namespace "to-https" {
  filters { filter "https" { type "redirect"; scheme "https"; port ${
    place.port("https")
  }; status-code 308; }; }
  routes { route "away" { matches { path-prefix "/"; }; filters "https"; }; }
}
upstreams { upstream "origin" { target "127.0.0.1:${originPort}"; }; }
observability { metrics { address "127.0.0.1:${place.port("admin")}"; }
  logging { level "info"; format "text"; access-log { file "${place.folder}/access.log"; }; }; }
`;
}

/** A page that asks for many things at once and then says, in its own text, how they came. */
const PAGE =
  `<!doctype html><title>page</title><link rel="stylesheet" href="/style.css"><img src="/image.svg">
<pre id="report">unfinished</pre>
<script>
(async () => {
  const texts = await Promise.all(Array.from({ length: ${RESOURCES} }, async (_, i) =>
    await (await fetch("/part?" + i)).text()));
  const echo = await (await fetch("/echo", { method: "POST", body: "x".repeat(${UPLOAD_BYTES}) })).text();
  const entries = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  document.getElementById("report").textContent = JSON.stringify({
    parts: new Set(texts).size,
    echo,
    colour: getComputedStyle(document.body).color,
    protocols: [...new Set(entries.map((entry) => entry.nextHopProtocol))],
    // The browser may have asked for an icon too.
    isWhole: entries.length >= ${RESOURCES + 4},
  });
})();
</script>`;

function origin(): RawOrigin {
  const typed = (type: string, body: string) => okResponse(body, [`Content-Type: ${type}`]);
  return new RawOrigin({
    script: async (connection, { target, body }) => {
      if (target.startsWith("/page")) return await connection.send(typed("text/html", PAGE));
      if (target === "/style.css") {
        return await connection.send(typed("text/css", "body { color: rgb(1, 2, 3) }"));
      }
      if (target === "/image.svg") {
        const image = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>';
        return await connection.send(typed("image/svg+xml", image));
      }
      if (target === "/echo") return await connection.send(okResponse(`${body.length} bytes`));
      await connection.send(okResponse(`this is ${target}`));
    },
  });
}

/** Plain HTTP is sent to HTTPS with method, path, query and body, and HSTS is said there alone. */
async function redirected({ stage, ca }: Given): Promise<void> {
  const [plain, secure] = [stage.port("away"), stage.port("https")];
  const names = [plain, secure].flatMap((port) => ["--resolve", `www.example:${port}:127.0.0.1`]);
  const common = ["-sS", "--cacert", ca, ...names, "-D", "-", "--data-binary", "12345"];
  const stays = await run("curl", [...common, "-o", "/dev/null", `http://www.example:${plain}/a%20b?c=d`]);
  match(stays.out, /^HTTP\/1\.1 308 /);
  match(stays.out, new RegExp(`^location: https://www\\.example:${secure}/a%20b\\?c=d\\r$`, "im"));
  equal(/strict-transport-security/i.test(stays.out), false);
  const follows = await run("curl", [...common, "-L", `http://www.example:${plain}/echo`]);
  match(follows.out, /strict-transport-security: max-age=31536000/i);
  match(follows.out, /5 bytes$/);
}

/** Runs a program to its end; what it printed. */
async function run(command: string, args: readonly string[]): Promise<{ out: string; all: string }> {
  const { stdout, stderr } = await new Deno.Command(command, {
    args: [...args],
    stdin: "null",
    signal: AbortSignal.timeout(CLIENT_TIMEOUT_MS),
  }).output();
  const decoder = new TextDecoder();
  const out = decoder.decode(stdout);
  return { out, all: out + decoder.decode(stderr) };
}

interface Given {
  readonly stage: OptionStage;
  readonly ca: string;
  readonly pair: Pair;
  readonly folder: string;
}

async function curl({ stage, ca, folder }: Given): Promise<void> {
  const at = `https://www.example:${stage.port("https")}`;
  const common = ["-sS", "--cacert", ca, "--resolve", `www.example:${stage.port("https")}:127.0.0.1`];
  await Deno.writeTextFile(`${folder}/upload`, "x".repeat(UPLOAD_BYTES));
  for (const [flag, version] of [["--http1.1", "1.1"], ["--http2", "2"]] as const) {
    const upload = [...common, flag, "-w", " over %{http_version}", "--data-binary", `@${folder}/upload`];
    equal((await run("curl", [...upload, `${at}/echo`])).out, `${UPLOAD_BYTES} bytes over ${version}`);
    const head = await run("curl", [...common, flag, "-I", `${at}/head`]);
    match(head.out, new RegExp(`^HTTP/${version} 200`));
    match(head.out, /strict-transport-security: max-age=/i);
    const { out } = await run("curl", [
      ...common,
      ...[flag, "--parallel", "--parallel-max", "20", "-o", "/dev/null"],
      ...["-w", "%{http_code} %{num_connects}\n", `${at}/many?[1-100]`],
    ]);
    const answers = out.trim().split("\n").map((line) => line.split(" ").map(Number));
    deepEqual(answers.map(([status]) => status), new Array(100).fill(200));
    const connections = answers.reduce((sum, [, opened]) => sum + opened!, 0);
    ok(version === "1.1" || connections <= 20, `${connections} connections for HTTP/2`);
  }
}

async function nghttp({ stage }: Given): Promise<void> {
  for (const scheme of ["https", "http"] as const) {
    const port = stage.port(scheme === "https" ? "https" : "plain");
    const urls = Array.from({ length: 20 }, (_, i) => `${scheme}://127.0.0.1:${port}/n${i}`);
    const { all } = await run("nghttp", ["--no-verify-peer", "--stat", ...urls]);
    equal(all.match(/ 200 +\d+\S* \/n\d+/g)?.length, 20, all);
    for (const [connections, streams] of [[1, 1], [10, 20]]) {
      const { out } = await run("h2load", [
        ...["-n", String(REQUESTS), "-c", String(connections), "-m", String(streams)],
        `${scheme}://127.0.0.1:${port}/h`,
      ]);
      match(out, new RegExp(`${REQUESTS} succeeded, 0 failed, 0 errored, 0 timeout`));
      if (scheme === "https") match(out, /Application protocol: h2/);
    }
  }
}

/** The page in a browser that believes our key and looks the name up nowhere. */
async function chromium({ stage, pair, folder }: Given): Promise<void> {
  const { publicKey } = new X509Certificate(await Deno.readTextFile(pair.cert));
  const spki = publicKey.export({ type: "spki", format: "der" });
  const { out, all } = await run(BROWSER!, [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"],
    ...["--disable-background-networking", "--disable-component-update", "--no-proxy-server"],
    `--user-data-dir=${folder}/browser`,
    `--ignore-certificate-errors-spki-list=${createHash("sha256").update(spki).digest("base64")}`,
    "--host-resolver-rules=MAP www.example 127.0.0.1",
    ...["--virtual-time-budget=20000", "--dump-dom", `https://www.example:${stage.port("https")}/page`],
  ]);
  const report = JSON.parse(/<pre id="report">(\{.*?\})<\/pre>/.exec(out)?.[1] ?? "null");
  deepEqual(report, {
    parts: RESOURCES,
    echo: `${UPLOAD_BYTES} bytes`,
    colour: "rgb(1, 2, 3)",
    protocols: ["h2"],
    isWhole: true,
  }, all);
  stage.process.signal("SIGUSR1");
  await stage.process.said(/Log files reopened/);
  const log = await Deno.readTextFile(`${stage.folder}/access.log`);
  match(log, /"path":"\/part.*"protocol":"HTTP\/2"|"protocol":"HTTP\/2".*"path":"\/part/);
}

Deno.test({
  name: "TLS: clients that people have",
  ignore,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-clients-" });
    try {
      const root = await Authority.root(folder, "root");
      const pair = await root.issue("site", { names: ["DNS:www.example"] });
      await using server = origin();
      await using stage = await OptionStage.start((place) => config(place, pair, server.port));
      const given = { stage, ca: root.pair.cert, pair, folder };
      await t.step("curl", () => curl(given));
      await t.step("plain HTTP is sent to HTTPS", () => redirected(given));
      await t.step("nghttp and h2load", () => nghttp(given));
      await t.step({
        name: "Chromium loads a page with many parts over HTTP/2",
        ignore: BROWSER === undefined && !isCi,
        fn: () => chromium(given),
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
