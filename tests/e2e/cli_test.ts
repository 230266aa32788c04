import assert from "node:assert/strict";
import { SentinelProcess, ServingSentinel } from "../support/process.ts";
import { RawOrigin } from "../support/raw_origin.ts";
import { reloadConfig } from "../support/reload_config.ts";
import { freePort, ROOT, shippedFlags } from "../support/servers.ts";

interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  await using process = new SentinelProcess({ args, env });
  const status = await process.ended();
  return { status, stdout: process.stdout, stderr: process.stderr };
}

async function withConfig(kdl: string, use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/my.kdl`;
  await Deno.writeTextFile(path, kdl);
  try {
    await use(path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const GOOD = reloadConfig({ port: freePort(), adminPort: freePort(), originPort: freePort(), mark: "x" });

Deno.test("cli: verbs, streams and exit statuses", async () => {
  await withConfig(GOOD, async (path) => {
    const successful = `sentinel: configuration file ${path} test is successful\n`;
    const cases: { name: string; args: string[]; env?: Record<string, string>; want: Partial<Outcome> }[] = [
      { name: "test", args: ["test", "-c", path], want: { status: 0, stdout: successful, stderr: "" } },
      { name: "-t", args: ["-t", "--config", path], want: { status: 0, stdout: successful } },
      {
        name: "option before the verb",
        args: ["--config", path, "test"],
        want: { status: 0, stdout: successful },
      },
      {
        name: "SENTINEL_CONFIG",
        args: ["test"],
        env: { SENTINEL_CONFIG: path },
        want: { stdout: successful },
      },
      {
        name: "ZENTINEL_CONFIG",
        args: ["test"],
        env: { ZENTINEL_CONFIG: path },
        want: { stdout: successful },
      },
      {
        name: "embedded",
        args: ["test"],
        want: { status: 0, stdout: "sentinel: configuration file (embedded) test is successful\n" },
      },
      { name: "unknown verb", args: ["frobnicate"], want: { status: 2, stdout: "" } },
      { name: "unknown option", args: ["test", "--frobnicate"], want: { status: 2, stdout: "" } },
      { name: "request that is none", args: ["explain", "-r", "GET /x"], want: { status: 2, stdout: "" } },
      { name: "explain without request", args: ["explain"], want: { status: 2, stdout: "" } },
    ];
    for (const { name, args, env, want } of cases) {
      const outcome = await run(args, env);
      for (const [key, value] of Object.entries(want)) {
        assert.equal(outcome[key as keyof Outcome], value, `${name}: ${key}\n${outcome.stderr}`);
      }
    }
  });
});

Deno.test("cli: version and help", async () => {
  const version = await run(["--version"]);
  assert.equal(version.status, 0);
  assert.match(version.stdout, /^sentinel \d+\.\d+\.\d+ \(deno \d+\.\d+\.\d+\)\n$/);
  const help = await run(["--help"]);
  assert.equal(help.status, 0);
  for (const verb of ["run", "test", "validate", "lint", "explain", "schema", "docs", "health"]) {
    assert.match(help.stdout, new RegExp(`^  ${verb} `, "m"));
  }
});

Deno.test("cli: a configuration with mistakes, or none at all, is status 1 with the place", async () => {
  await withConfig(GOOD.replace("worker-threads", "worker-treads"), async (path) => {
    const { status, stdout, stderr } = await run(["test", "-c", path]);
    assert.equal(status, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /my\.kdl:2:5/);
    assert.match(stderr, /worker-threads/, "the nearest name is offered");
  });
  const missing = `${await Deno.makeTempDir()}/absent.kdl`;
  const { status, stderr } = await run(["test", "-c", missing]);
  assert.equal(status, 1);
  assert.match(stderr, /absent\.kdl: there is no such file/);
  await assert.rejects(() => Deno.stat(missing), Deno.errors.NotFound, "nothing is written in its place");
});

Deno.test("cli: validate connects to targets and reads certificates; lint advises", async () => {
  await withConfig(GOOD, async (path) => {
    const refused = await run(["validate", "-c", path]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /error: upstream "origin" target 127\.0\.0\.1:\d+/);
    const skipped = await run(["validate", "-c", path, "--skip-network"]);
    assert.equal(skipped.status, 0);
    assert.match(skipped.stdout, /ok: configuration/);
    const lint = await run(["lint", "-c", path]);
    assert.equal(lint.status, 0);
    assert.match(lint.stdout, /advice: .*"origin".*health-check/);
  });
  const tls = GOOD.replace('upstream "origin" {', 'upstream "origin" {\n tls { ca-cert "/nowhere.pem"; }');
  await withConfig(tls, async (path) => {
    const { status, stderr } = await run(["validate", "-c", path, "--skip-network"]);
    assert.equal(status, 1);
    assert.match(stderr, /ca-cert \/nowhere\.pem/);
  });
});

Deno.test("cli: validate reads the certificates of listeners", async () => {
  const certs = `${ROOT}tests/support/certs`;
  const config = (key: string) =>
    GOOD.replace(
      /listener "main" \{/,
      `listener "main" {\n protocol "https"\n tls { cert-file "${certs}/server.pem"; key-file "${key}"; }`,
    );
  await withConfig(config(`${certs}/server.key`), async (path) => {
    const { status, stdout, stderr } = await run(["validate", "-c", path, "--skip-network"]);
    assert.equal(status, 0, stderr);
    assert.match(stdout + stderr, /listener "main" certificate .*server\.pem is valid for \d+ days/);
    assert.match((await run(["lint", "-c", path])).stdout, /advice: No filter of type "hsts"/);
  });
  await withConfig(config(`${certs}/client.key`), async (path) => {
    const { status, stderr } = await run(["validate", "-c", path, "--skip-network"]);
    assert.equal(status, 1);
    assert.match(stderr, /Listener "main": the key in .*client\.key is not that of the certificate/);
  });
});

Deno.test("cli: schema and docs print what is published", async () => {
  const published = async (name: string) => await Deno.readTextFile(`${ROOT}config/${name}`);
  assert.deepEqual(JSON.parse((await run(["schema"])).stdout), JSON.parse(await published("schema.json")));
  assert.equal((await run(["docs"])).stdout.trim(), (await published("reference.md")).trim());
});

Deno.test("cli: health follows the readiness of the running instance", async () => {
  await using origin = new RawOrigin();
  await using sentinel = await ServingSentinel.start((place) =>
    reloadConfig({ ...place, originPort: origin.port, mark: "x" })
  );
  const healthy = await run(["health", "-c", sentinel.configPath]);
  assert.equal(healthy.status, 0);
  assert.match(healthy.stdout, /"ready"/);
  sentinel.process.signal("SIGTERM");
  await sentinel.process.ended();
  const gone = await run(["health", "-c", sentinel.configPath]);
  assert.equal(gone.status, 1);
  assert.match(gone.stderr, /does not answer/);
});

Deno.test("cli: the container runs under the same permissions as the task", async () => {
  const dockerfile = await Deno.readTextFile(`${ROOT}Dockerfile`);
  const commands = [...dockerfile.matchAll(/^(?:ENTRYPOINT|\s+CMD) (\[.*\])$/gm)].map((match) => match[1]!);
  assert.equal(commands.length, 2, "the entry and the health check");
  for (const command of commands) {
    const words = JSON.parse(command) as string[];
    assert.deepEqual(
      words.filter((word) => word.startsWith("--") && word !== "--cached-only"),
      shippedFlags(),
    );
  }
  const version = /^FROM denoland\/deno:(\S+)$/m.exec(dockerfile)?.[1];
  assert.equal(version, "2.9.6");
});
