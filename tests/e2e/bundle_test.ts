import { deepEqual, equal, ok } from "node:assert/strict";
import { bundle } from "../../build/bundle.ts";
import { exchange, textOf } from "../support/raw_client.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { freePort, proxyConfig, Server } from "../support/servers.ts";

const GET = "GET /a HTTP/1.1\r\nHost: example.test\r\nConnection: close\r\n\r\n";
/** What the firewall that comes along refuses. */
const ATTACK = GET.replace("/a", "/a?q=1%27%20UNION%20SELECT%20password%20FROM%20users--%20");

Deno.test("bundle: one file unpacks once, also when started twice at a time, and proxies with workers", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-bundle-test-" });
  try {
    const program = `${folder}/sentinel`;
    await bundle(program);
    await using origin = new RawOrigin({
      script: (connection) => connection.send(okResponse("through the bundle")),
    });
    const start = async (name: string) => {
      const port = freePort();
      const path = `${folder}/${name}.kdl`;
      const kdl = proxyConfig({ port, originPort: origin.port }).replace(
        "worker-threads 1",
        "worker-threads 2",
      );
      await Deno.writeTextFile(path, `waf { }\n${kdl.replace("matches {", "waf-enabled #true\nmatches {")}`);
      const server = await Server.start({
        command: program,
        args: ["run", "--config", path],
        cwd: folder,
        env: { SENTINEL_CACHE: `${folder}/cache` },
        ready: port,
      });
      return { port, server };
    };
    const both = await Promise.all([start("one"), start("two")]);
    for (const { port, server } of both) {
      await using running = server;
      const { responses } = await exchange(port, GET, { timeoutMs: 5000 });
      equal(responses[0]?.status, 200, running.output);
      equal(textOf(responses[0]!.body), "through the bundle");
      const refused = await exchange(port, ATTACK, { timeoutMs: 5000 });
      equal(refused.responses[0]?.status, 403, "agents come along");
    }
    const entries = [...Deno.readDirSync(`${folder}/cache`)];
    equal(entries.length, 1, "half-unpacked folders are left behind");
    const files = [...Deno.readDirSync(`${folder}/cache/${entries[0]!.name}`)].map(({ name }) => name).sort();
    deepEqual(files, ["LICENSE", "agents", "complete", "deno", "main.js", "state", "worker.js"]);
    const { code, stdout } = await new Deno.Command(program, {
      args: ["--version"],
      env: { SENTINEL_CACHE: `${folder}/cache` },
    }).output();
    equal(code, 0);
    ok(new TextDecoder().decode(stdout).includes("sentinel"));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
