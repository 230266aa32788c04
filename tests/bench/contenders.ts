/** The programs under measurement, each with access log and, where it has them, metrics. */

import { freePort, hasCommand, ROOT, Server, shippedFlags } from "../support/servers.ts";
import { LOAD_CORE, PROXY_CORE } from "./load.ts";

/** A running contender. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** How a contender is to be run. */
export interface Setting {
  readonly originPort: number;
  /** Folder for its configuration, logs and state. */
  readonly folder: string;
  /** Worker threads; contenders of others always run with one. */
  readonly workers: number;
  /** One core for the proxy, or all of them. */
  readonly pinned: boolean;
  /** Routes before the one that matches, in Sentinel's configuration. */
  readonly otherRoutes: number;
  /** Speaks HTTPS with this certificate instead of plain HTTP. */
  readonly tls?: TlsFiles | undefined;
  /** Entries of the denylist that requests go through in Sentinel; 0 means there is no agent. */
  readonly denied: number;
}

/** A certificate, its key, and both in one file, which is how HAProxy wants them. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
  readonly both: string;
}

type Starter = (setting: Setting) => Promise<Running>;

const KEEPALIVE_REQUESTS = 100_000_000;

function pinnedTo(core: number | undefined, words: readonly string[]): { command: string; args: string[] } {
  const all = core === undefined ? [...words] : ["taskset", "-c", String(core), ...words];
  return { command: all[0]!, args: all.slice(1) };
}

async function start(
  words: readonly string[],
  options: { core: number | undefined; port: number; env?: Record<string, string> },
): Promise<Running> {
  const server = await Server.start({
    ...pinnedTo(options.core, words),
    ready: options.port,
    cwd: ROOT,
    ...(options.env ? { env: options.env } : {}),
  });
  return { pid: server.pid, port: options.port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function nginxFrame(folder: string, http: string): string {
  const user = Deno.uid() === 0 ? "user root;\n" : "";
  return `${user}worker_processes 1;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
events { worker_connections 4096; }
http {
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests ${KEEPALIVE_REQUESTS};
  client_max_body_size 100m;
${http}
}
`;
}

async function startNginx(
  name: string,
  http: string,
  setting: { folder: string; port: number; core: number | undefined },
) {
  const path = `${setting.folder}/${name}.conf`;
  await Deno.writeTextFile(path, nginxFrame(setting.folder, http));
  const words = ["nginx", "-e", `${setting.folder}/error.log`, "-c", path, "-g", "daemon off;"];
  return await start(words, setting);
}

/**
 * The origin: nginx with constants and files, on the core of the load generator, without a log. A constant
 * is answered before the request's body has been read, which no proxy likes; so `/post` asks a second server
 * for it, which nginx does only after it has the whole body.
 */
export async function startOrigin(folder: string): Promise<Running> {
  const port = freePort();
  const sinkPort = freePort();
  await Deno.writeFile(`${folder}/10m`, new Uint8Array(10 * 1024 * 1024).fill(120));
  await Deno.writeFile(`${folder}/100k`, new Uint8Array(100 * 1024).fill(120));
  const http = `  access_log off;
  sendfile on;
  tcp_nopush on;
  server {
    listen 127.0.0.1:${port};
    root ${folder};
    location = /100b { return 200 "${"x".repeat(100)}"; }
    location = /1k { return 200 "${"x".repeat(1024)}"; }
    location = /post {
      client_body_buffer_size 256k;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://sink;
    }
  }
  upstream sink { server 127.0.0.1:${sinkPort}; keepalive 64; keepalive_requests ${KEEPALIVE_REQUESTS}; }
  server {
    listen 127.0.0.1:${sinkPort};
    location / { return 200 "ok"; }
  }`;
  return await startNginx("origin", http, { folder, port, core: LOAD_CORE });
}

const nginx: Starter = ({ folder, originPort, pinned, tls }) => {
  const port = freePort();
  const http = `  access_log ${folder}/access.log combined buffer=64k flush=1s;
  upstream origin { server 127.0.0.1:${originPort}; keepalive 64; keepalive_requests ${KEEPALIVE_REQUESTS}; }
  server {
    listen 127.0.0.1:${port}${tls === undefined ? "" : " ssl http2"};
    ${tls === undefined ? "" : nginxTls(tls)}
    location = /nginx-status { stub_status; }
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_request_buffering off;
      proxy_max_temp_file_size 0;
    }
  }`;
  return startNginx("nginx", http, { folder, port, core: pinned ? PROXY_CORE : undefined });
};

function nginxTls({ cert, key }: TlsFiles): string {
  return `ssl_certificate ${cert}; ssl_certificate_key ${key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:10m; ssl_session_tickets on;`;
}

const haproxy: Starter = async ({ folder, originPort, pinned, tls }) => {
  const port = freePort();
  const path = `${folder}/haproxy.cfg`;
  await Deno.writeTextFile(
    path,
    `global
  nbthread 1
  log stdout format raw local0 info
defaults
  mode http
  log global
  option httplog
  option forwardfor
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend main
  bind 127.0.0.1:${port}${tls === undefined ? "" : ` ssl crt ${tls.both} alpn h2,http/1.1`}
  default_backend origin
frontend metrics
  bind 127.0.0.1:${freePort()}
  http-request use-service prometheus-exporter
backend origin
  http-reuse always
  server one 127.0.0.1:${originPort}
`,
  );
  const words = ["sh", "-c", `exec haproxy -db -f ${path} > ${folder}/access.log 2> ${folder}/error.log`];
  return await start(words, { port, core: pinned ? PROXY_CORE : undefined });
};

const caddy: Starter = async ({ folder, originPort, pinned, tls }) => {
  const port = freePort();
  const path = `${folder}/Caddyfile`;
  await Deno.writeTextFile(
    path,
    `{
  admin off
  auto_https off
  servers {
    metrics
  }
}
http://127.0.0.1:${freePort()} {
  metrics /metrics
}
${tls === undefined ? "http" : "https"}://:${port} {
  bind 127.0.0.1
  ${tls === undefined ? "" : `tls ${tls.cert} ${tls.key}`}
  log {
    output file ${folder}/access.log
  }
  reverse_proxy 127.0.0.1:${originPort}
}
`,
  );
  return await start(["caddy", "run", "--config", path, "--adapter", "caddyfile"], {
    port,
    core: pinned ? PROXY_CORE : undefined,
    env: { GOMAXPROCS: "1", HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
  });
};

/** Routes that lose, of all kinds, so that the last one has something to be compared with. */
function losingRoutes(count: number): string {
  const kinds = [
    (i: number) => `host "host${i}.example"; path-prefix "/api${i}"`,
    (i: number) => `path-prefix "/section${i}/part"`,
    (i: number) => `path-regex "^/items${i}/[0-9]+$"`,
    (i: number) => `host "*.zone${i}.example"`,
    (i: number) => `path "/exact/${i}"`,
  ];
  return Array.from({ length: count }, (_, i) =>
    `    route "other${i}" {
        priority "high"
        matches { ${kinds[i % kinds.length]!(i)}; }
        upstream "origin"
    }`).join("\n");
}

/** An agent that looks at address, path and user agent of every request, and lets it through. */
function denylist(entries: number): { readonly top: string; readonly route: string } {
  if (entries === 0) return { top: "agents-dir enabled=#false", route: "" };
  const kinds = [
    ["block-ips", (i: number) => `10.${i >> 8}.${i & 255}.0/24`],
    ["block-paths", (i: number) => `/denied/section${i}`],
    ["block-user-agents", (i: number) => `badbot-${i}`],
  ] as const;
  const each = (kind: number) => {
    const [name, make] = kinds[kind]!;
    const count = Math.ceil((entries - kind) / kinds.length);
    return `${name} ${Array.from({ length: count }, (_, i) => `"${make(i)}"`).join(" ")}`;
  };
  return {
    top: `agents-dir enabled=#false
agents { agent "denylist" {
    wasm "${ROOT}wasm-agents/dist/denylist.wasm"
    grant "conn-info" "clock"
    config {
${kinds.map((_, kind) => each(kind)).join("\n")}
    }
}; }
filters { filter "deny" { type "agent"; agent "denylist"; }; }`,
    route: 'filters "deny"',
  };
}

function sentinelProtocol(tls: TlsFiles | undefined): string {
  return tls === undefined
    ? 'protocol "http"'
    : `protocol "https"; tls { cert-file "${tls.cert}"; key-file "${tls.key}"; }`;
}

function sentinelConfig(setting: Setting, ports: { listen: number; metrics: number }): string {
  const agent = denylist(setting.denied);
  return `system {
    worker-threads ${setting.workers}
}
${agent.top}
listeners {
    listener "main" {
        address "127.0.0.1:${ports.listen}"
        ${sentinelProtocol(setting.tls)}
    }
}
routes {
${losingRoutes(setting.otherRoutes)}
    route "all" {
        priority "low"
        matches { path-prefix "/"; }
        ${agent.route}
        upstream "origin"
    }
}
upstreams {
    upstream "origin" {
        target "127.0.0.1:${setting.originPort}"
        connection-pool { max-idle 64; }
    }
}
observability {
    metrics { address "127.0.0.1:${ports.metrics}"; }
    logging {
        level "warn"
        access-log { file "${setting.folder}/access.log"; format "combined"; buffer-size 65536; }
        error-log { file "${setting.folder}/error.log"; }
    }
}
`;
}

const sentinel: Starter = async (setting) => {
  const ports = { listen: freePort(), metrics: freePort() };
  const path = `${setting.folder}/sentinel.kdl`;
  await Deno.writeTextFile(path, sentinelConfig(setting, ports));
  const words = [Deno.execPath(), "run", ...shippedFlags(), `${ROOT}src/main.ts`, "run", "--config", path];
  return await start(words, { port: ports.listen, core: setting.pinned ? PROXY_CORE : undefined });
};

const STARTERS: Readonly<Record<string, Starter>> = { nginx, haproxy, caddy, sentinel };

/** Contenders whose program is on this machine; Sentinel always is. */
export function available(): string[] {
  return Object.keys(STARTERS).filter((name) => name === "sentinel" || hasCommand(name));
}

/** Starts a contender in a folder of its own. */
export async function startContender(name: string, setting: Omit<Setting, "folder">): Promise<Running> {
  const folder = await Deno.makeTempDir({ prefix: `bench-${name}-` });
  await Deno.chmod(folder, 0o755);
  const removeFolder = () => Deno.remove(folder, { recursive: true });
  try {
    const running = await STARTERS[name]!({ ...setting, folder });
    return {
      pid: running.pid,
      port: running.port,
      async [Symbol.asyncDispose]() {
        await running[Symbol.asyncDispose]();
        await removeFolder();
      },
    };
  } catch (cause) {
    await removeFolder();
    throw cause;
  }
}

/** Version line of a program, for the record. */
export async function versionOf(name: string): Promise<string> {
  if (name === "sentinel") return `deno ${Deno.version.deno}`;
  const args = name === "caddy" ? ["version"] : ["-v"];
  const { stdout, stderr } = await new Deno.Command(name, { args, stdin: "null" }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  return /\d+\.\d+(\.\d+)?/.exec(text)?.[0] ?? "unknown";
}
