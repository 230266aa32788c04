import { deepEqual, equal, match, ok } from "node:assert/strict";
import { ask, namedOrigin, OptionStage, type Place } from "../support/option_stage.ts";
import { exchange } from "../support/raw_client.ts";
import { eventually } from "../support/servers.ts";

interface Wishes {
  readonly originPort: number;
  /** Lines of `logging { }`. */
  readonly logging: string;
  readonly metrics?: string;
}

function config(place: Place, { originPort, logging, metrics = "enabled #false;" }: Wishes): string {
  return `system { worker-threads 1; graceful-shutdown-timeout-secs 1; }
listeners { listener "main" { address "127.0.0.1:${place.port("main")}"; namespace "ns"; }; }
namespace "ns" {
  routes {
    route "all" { matches { path-prefix "/"; }; upstream "origin"; policies { max-body-size 10; }; }
    route "limited" { matches { path-prefix "/limited"; }; upstream "origin"; policies { rate-limit { rps 1; burst 1; }; }; }
  }
  upstreams { upstream "origin" { target "127.0.0.1:${originPort}"; }; }
}
observability { metrics { ${metrics} }; logging { ${logging} }; }
`;
}

const HEADERS = ["User-Agent: tester/1", "Referer: http://from.test/p?token=abc&x=1"];
const TARGET = "/a?token=abc&b=c";

/** Runs a Sentinel with these logging lines, does the requests, ends it, and reads the files. */
async function logged(
  logging: (folder: string) => string,
  requests: (stage: OptionStage) => Promise<void>,
): Promise<{ file(name: string): string[]; stderr: string; stdout: string }> {
  await using origin = namedOrigin("origin");
  const stage = await OptionStage.start((place) =>
    config(place, { originPort: origin.port, logging: logging(place.folder) })
  );
  const texts = new Map<string, string>();
  try {
    await requests(stage);
    stage.process.signal("SIGTERM");
    await stage.process.ended();
    for await (const { name } of Deno.readDir(stage.folder)) {
      texts.set(name, await Deno.readTextFile(`${stage.folder}/${name}`));
    }
  } finally {
    await stage[Symbol.asyncDispose]();
  }
  const file = (name: string) => (texts.get(name) ?? "").split("\n").filter((line) => line !== "");
  return { file, stderr: stage.process.stderr, stdout: stage.process.stdout };
}

async function usual(stage: OptionStage): Promise<void> {
  const port = stage.port("main");
  equal((await ask(port, TARGET, { headers: HEADERS })).status, 200);
  equal((await ask(port, "/large", { method: "POST", body: "x".repeat(11) })).status, 413);
  equal((await ask(port, "/limited")).status, 200);
  equal((await ask(port, "/limited")).status, 429);
  equal((await ask(port, "/broken/off").catch(() => ({ status: 0 }))).status, 200);
}

const quiet = 'level "warn"; error-log { enabled #false; };';
const FIELDS: Readonly<Record<string, string>> = {
  timestamp: "timestamp",
  "trace-id": "trace_id",
  method: "method",
  path: "path",
  query: "query",
  protocol: "protocol",
  host: "host",
  status: "status",
  "latency-ms": "duration_ms",
  "body-bytes-sent": "body_bytes_sent",
  "body-bytes": "body_bytes",
  "upstream-addr": "upstream_addr",
  "upstream-attempts": "upstream_attempts",
  "connection-reused": "connection_reused",
  "rate-limit-hit": "rate_limit_hit",
  "user-agent": "user_agent",
  referer: "referer",
  "client-ip": "client_ip",
  "route-id": "route_id",
  upstream: "upstream",
  namespace: "namespace",
};

Deno.test("options of the access log: fields, formats, redaction and sampling", async (t) => {
  await t.step("json: every field, one line per request", async () => {
    const { file } = await logged((folder) => `${quiet} access-log { file "${folder}/a.log"; };`, usual);
    const lines = file("a.log").map((line) => JSON.parse(line));
    deepEqual(lines.map(({ status }) => status), [200, 413, 200, 429, 200]);
    for (const key of Object.values(FIELDS)) ok(key in lines[0], key);
    equal(lines[0].query, "token=[redacted]&b=c");
    equal(lines[0].referer, "http://from.test/p?token=[redacted]&x=1");
    equal(lines[0].body_bytes_sent, 6);
    equal(lines[0].rate_limit_hit, false);
    equal(lines[0].namespace, "ns");
    match(lines[0].route_id, /all/);
    equal(lines[3].rate_limit_hit, true);
    equal(lines[1].error, "body_too_large");
  });
  await t.step("json: every field switched off", async () => {
    const off = Object.keys(FIELDS).map((name) => `${name} #false;`).join(" ");
    const { file } = await logged(
      (folder) => `${quiet} access-log { file "${folder}/a.log"; fields { ${off} }; };`,
      usual,
    );
    const [first] = file("a.log").map((line) => JSON.parse(line));
    for (const key of Object.values(FIELDS)) ok(!(key in first), `${key} is written`);
    ok(!("upstream_latency_ms" in first));
  });
  await t.step("redaction of one's own names, no trace id", async () => {
    const { file } = await logged(
      (folder) =>
        `${quiet} access-log { file "${folder}/a.log"; include-trace-id #false;
        redact-headers "user-agent"; redact-query-params "b"; };`,
      usual,
    );
    const [first] = file("a.log").map((line) => JSON.parse(line));
    equal(first.user_agent, "[redacted]");
    equal(first.query, "token=abc&b=[redacted]");
    equal(first.trace_id, undefined);
  });
  await t.step("combined", async () => {
    const { file } = await logged(
      (folder) => `${quiet} access-log { file "${folder}/a.log"; format "combined"; };`,
      usual,
    );
    const agent = '"http://from.test/p\\?token=\\[redacted\\]&x=1" "tester/1"';
    const start = "^127.0.0.1 - - \\[\\d\\d/[A-Z][a-z]{2}/\\d{4}:[\\d:]{8} \\+0000\\] ";
    const request = '"GET /a\\?token=\\[redacted\\]&b=c HTTP/1.1" 200 6 ';
    match(file("a.log")[0]!, new RegExp(`${start}${request}${agent} \\S+ [\\d.]+ms$`));
  });
  await t.step("text, unbuffered, on standard output", async () => {
    const { stdout } = await logged(
      () => `${quiet} access-log { format "text"; buffer-size 0; };`,
      async (stage) => {
        await usual(stage);
        ok(await eventually(3000, () => stage.process.stdout.split("\n").length > 5));
      },
    );
    match(
      stdout.split("\n")[0]!,
      /^\d{4}-\S+Z 200 "GET \/a\?token=\[redacted\]&b=c HTTP\/1.1" [\d.]+ms 6B client=127/,
    );
  });
  await t.step("on standard error, and not at all", async () => {
    const { stderr } = await logged(() => `${quiet} access-log { file "stderr"; };`, usual);
    equal(stderr.split("\n").filter((line) => line.includes('"duration_ms"')).length, 5);
    const none = await logged(
      (folder) => `${quiet} access-log { file "${folder}/a.log"; enabled #false; };`,
      usual,
    );
    deepEqual(none.file("a.log"), []);
  });
});

const SAMPLES: readonly {
  name: string;
  lines: string;
  want: readonly [least: number, most: number];
  errors: number;
}[] = [
  { name: "nothing but errors", lines: "sample-rate 0.0", want: [0, 0], errors: 1 },
  { name: "nothing at all", lines: "sample-rate 0; sample-errors-always #false", want: [0, 0], errors: 0 },
  { name: "half", lines: "sample-rate 0.5", want: [130, 270], errors: 1 },
  { name: "everything", lines: "sample-rate 1.0", want: [400, 400], errors: 1 },
];

Deno.test("options of the access log: sampling", async (t) => {
  for (const { name, lines, want: [least, most], errors } of SAMPLES) {
    await t.step(name, async () => {
      const { file } = await logged(
        (folder) => `${quiet} access-log { file "${folder}/a.log"; ${lines}; };`,
        async (stage) => {
          const many = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n".repeat(399) +
            "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
          const { responses } = await exchange(stage.port("main"), many, { timeoutMs: 10_000 });
          equal(responses.length, 400);
          equal((await ask(stage.port("main"), "/l", { method: "POST", body: "x".repeat(11) })).status, 413);
        },
      );
      const statuses = file("a.log").map((line) => JSON.parse(line).status);
      const good = statuses.filter((status) => status === 200).length;
      ok(good >= least && good <= most, `${good} of 400`);
      equal(statuses.length - good, errors);
    });
  }
});

Deno.test("options of the error, audit and application logs", async (t) => {
  const files = (folder: string, error = "", audit = "") =>
    `level "error"; error-log { file "${folder}/e.log"; ${error} }; audit-log { file "${folder}/u.log"; ${audit} };`;
  const requests = async (stage: OptionStage) => {
    await usual(stage);
    equal(
      (await ask(stage.port("main"), "/x", { headers: ["Content-Length: 1", "Content-Length: 2"] })).status,
      400,
    );
  };
  await t.step("warn: 4xx and 5xx; audit: what was refused", async () => {
    const { file } = await logged(files, usual);
    const errors = file("e.log").map((line) => JSON.parse(line));
    deepEqual(errors.map(({ status }) => status), [413, 429]);
    deepEqual(errors.map(({ level }) => level), ["warn", "warn"]);
    ok(errors.every((line) => line.timestamp && line.trace_id && line.message && line.route_id));
    const audit = file("u.log").map((line) => JSON.parse(line)).filter((line) =>
      line.event_type !== "config_change"
    );
    ok(audit.some((line) => line.event_type === "rate_limit_exceeded" && line.client_ip === "127.0.0.1"));
    ok(
      audit.some((line) => line.event_type === "blocked" && line.status_code === 413),
      JSON.stringify(audit),
    );
  });
  await t.step("error: 5xx alone; audit without what was refused", async () => {
    const { file } = await logged(
      (folder) => files(folder, 'level "error";', "log-blocked #false;"),
      requests,
    );
    deepEqual(file("e.log"), []);
    const audit = file("u.log").map((line) => JSON.parse(line));
    ok(audit.every((line) => line.event_type === "config_change"), JSON.stringify(audit));
  });
  await t.step("both switched off", async () => {
    const off = "enabled #false;";
    const { file, stderr } = await logged((folder) => files(folder, off, off), requests);
    deepEqual([...file("e.log"), ...file("u.log")], []);
    ok(!stderr.includes("body_too_large"));
  });
  await t.step("the error log is on standard error unless told otherwise", async () => {
    const { stderr } = await logged(() => 'level "error";', usual);
    equal(stderr.split("\n").filter((line) => line.includes('"body_too_large"')).length, 1);
  });
  await t.step("level and format of the application log", async () => {
    const json = await logged(() => 'level "debug"; error-log { enabled #false; };', usual);
    ok(json.stderr.split("\n").some((line) => line.startsWith('{"timestamp"')), json.stderr);
    const text = await logged(() => 'level "info"; format "text"; error-log { enabled #false; };', usual);
    ok(text.stderr.split("\n").some((line) => /^\d{4}-\S+Z INFO /.test(line)), text.stderr);
    const none = await logged(() => 'level "error"; error-log { enabled #false; };', usual);
    ok(!/INFO|"info"/.test(none.stderr), none.stderr);
  });
});

Deno.test("SIGUSR1 reopens the access, error and audit logs", async () => {
  const logging = (folder: string) =>
    `level "info"; access-log { file "${folder}/a.log"; buffer-size 0; };
     error-log { file "${folder}/e.log"; buffer-size 0; }; audit-log { file "${folder}/u.log"; buffer-size 0; };`;
  const names = ["a.log", "e.log", "u.log"];
  const refused = async (stage: OptionStage) =>
    equal((await ask(stage.port("main"), "/large", { method: "POST", body: "x".repeat(11) })).status, 413);
  const { file } = await logged(logging, async (stage) => {
    await refused(stage);
    for (const name of names) {
      const written = async () => (await Deno.readTextFile(`${stage.folder}/${name}`)).includes("413");
      ok(await eventually(5000, () => written().catch(() => false)), name);
      await Deno.rename(`${stage.folder}/${name}`, `${stage.folder}/${name}.1`);
    }
    stage.process.signal("SIGUSR1");
    await stage.process.said(/Log files reopened/);
    await refused(stage);
  });
  for (const name of names) {
    const withStatus = (path: string) => file(path).filter((line) => line.includes("413")).length;
    equal(withStatus(`${name}.1`), 1, `${name}.1`);
    equal(withStatus(name), 1, name);
  }
});

Deno.test("options of metrics: address, path, enabled", async () => {
  await using origin = namedOrigin("origin");
  await using stage = await OptionStage.start((place) =>
    config(place, {
      originPort: origin.port,
      logging: quiet,
      metrics: `address "127.0.0.1:${place.port("admin")}"; path "/prometheus";`,
    })
  );
  await ask(stage.port("main"), "/a");
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${stage.port("admin")}${path}`);
    return { status: response.status, text: await response.text() };
  };
  match((await get("/prometheus")).text, /^sentinel_requests_total\{[^}]*\} 1$/m);
  equal((await get("/metrics")).status, 404);
  equal((await get("/")).status, 200);
});
