/** Apache and nginx with ModSecurity in front of an origin, as Debian packages them. */

import { freePort, hasCommand, Server } from "./servers.ts";

/** The two engines people have. */
export const MODSECURITY_SERVERS = ["apache", "nginx"] as const;

/** One of {@link MODSECURITY_SERVERS}. */
export type ModSecurityServer = typeof MODSECURITY_SERVERS[number];

const APACHE_MODULES = "/usr/lib/apache2/modules";
const NGINX_MODULE = "/usr/lib/nginx/modules/ngx_http_modsecurity_module.so";

/** Maps for `urlDecodeUni`, which neither engine has built in. */
const UNICODE_MAPS = [
  "/etc/nginx/unicode.mapping",
  "/etc/modsecurity/unicode.mapping",
  "/usr/share/modsecurity-crs/unicode.mapping",
];

/** How to run one of them. */
export interface ModSecurityOptions {
  readonly originPort: number;
  /** Folder for configuration and logs, made by the caller. */
  readonly folder: string;
  /** Directives before the rules; null runs the server without ModSecurity. */
  readonly directives: string | null;
  /** Files with rules, in order. */
  readonly ruleFiles: readonly string[];
  /** Writes transactions as lines of JSON to this file. */
  readonly auditLog?: string;
  /** Which: every one with its headers, or those in which rules matched, with what these say and nothing else. */
  readonly audited?: "all" | "matches";
  /** Words before the command, for example `taskset -c 1`. */
  readonly before?: readonly string[];
  /** Server processes that answer; one unless said otherwise. */
  readonly processes?: number;
}

/** A running server. */
export interface ModSecurityRunning extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** True when server and module are installed. */
export function hasModSecurity(server: ModSecurityServer): boolean {
  return server === "apache"
    ? hasCommand("apache2") && exists(`${APACHE_MODULES}/mod_security2.so`)
    : hasCommand("nginx") && exists(NGINX_MODULE);
}

/** Starts the server in the foreground and waits until it accepts connections. */
export async function startModSecurity(
  server: ModSecurityServer,
  options: ModSecurityOptions,
): Promise<ModSecurityRunning> {
  const port = freePort();
  if (options.directives !== null) {
    await Deno.writeTextFile(`${options.folder}/modsecurity.conf`, rules(server, options));
  }
  const path = `${options.folder}/server.conf`;
  await Deno.writeTextFile(path, server === "apache" ? apache(options, port) : nginx(options, port));
  const words = [
    ...options.before ?? [],
    ...(server === "apache"
      ? ["/usr/sbin/apache2", "-f", path, "-DFOREGROUND"]
      : ["nginx", "-e", `${options.folder}/error.log`, "-c", path, "-g", "daemon off;"]),
  ];
  const running = await Server.start({ command: words[0]!, args: words.slice(1), ready: port });
  return { pid: running.pid, port, [Symbol.asyncDispose]: () => running[Symbol.asyncDispose]() };
}

function rules(server: ModSecurityServer, options: ModSecurityOptions): string {
  const map = UNICODE_MAPS.find(exists);
  const matchesOnly = options.audited === "matches";
  const audit = options.auditLog === undefined
    ? "SecAuditEngine Off\n"
    : `SecAuditEngine ${matchesOnly ? "RelevantOnly" : "On"}
SecAuditLogParts ${matchesOnly ? "AHZ" : "ABHZ"}
SecAuditLogType Serial
SecAuditLogFormat JSON
SecAuditLog ${options.auditLog}
`;
  // Only ModSecurity 2 bounds its backtracking by itself, and only version 2 knows these words.
  const limits = server === "apache"
    ? "SecPcreMatchLimit 100000\nSecPcreMatchLimitRecursion 100000\nSecDataDir /tmp\n"
    : "";
  const include = options.ruleFiles.map((each) => `Include ${each}\n`).join("");
  return `${map === undefined ? "" : `SecUnicodeMapFile ${map} 20127\n`}${limits}SecTmpDir /tmp
${audit}${options.directives}
${include}`;
}

function apache(options: ModSecurityOptions, port: number): string {
  const modules = ["mpm_event", "authz_core", "proxy", "proxy_http"];
  if (options.directives !== null) modules.push("unique_id", "security2");
  const load = modules.map((each) => `LoadModule ${each}_module ${APACHE_MODULES}/mod_${each}.so\n`).join("");
  const include = options.directives === null
    ? ""
    : `<IfModule security2_module>\nInclude ${options.folder}/modsecurity.conf\n</IfModule>\n`;
  const user = Deno.uid() === 0 ? "User www-data\nGroup www-data\n" : "";
  return `ServerRoot /etc/apache2
ServerName localhost
PidFile ${options.folder}/apache.pid
Listen 127.0.0.1:${port}
${load}${user}DefaultRuntimeDir ${options.folder}
ErrorLog ${options.folder}/error.log
LogLevel error
LogFormat "%h %l %u %t \\"%r\\" %>s %O" common
CustomLog ${options.folder}/access.log common
StartServers 1
ServerLimit ${options.processes ?? 1}
ThreadsPerChild 25
MaxRequestWorkers ${25 * (options.processes ?? 1)}
MinSpareThreads 1
MaxSpareThreads 75
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
Timeout 10
AllowEncodedSlashes NoDecode
<Directory />
  Require all granted
</Directory>
ProxyPass / http://127.0.0.1:${options.originPort}/ keepalive=On nocanon
ProxyPreserveHost On
${include}`;
}

function nginx(options: ModSecurityOptions, port: number): string {
  const on = options.directives !== null;
  const user = Deno.uid() === 0 ? "user root;\n" : "";
  return `${on ? `load_module ${NGINX_MODULE};\n` : ""}${user}worker_processes ${options.processes ?? 1};
pid ${options.folder}/nginx.pid;
error_log ${options.folder}/error.log error;
events { worker_connections 1024; }
http {
  client_body_temp_path ${options.folder}/body;
  proxy_temp_path ${options.folder}/proxy;
  fastcgi_temp_path ${options.folder}/fastcgi;
  uwsgi_temp_path ${options.folder}/uwsgi;
  scgi_temp_path ${options.folder}/scgi;
  access_log ${options.folder}/access.log combined buffer=64k flush=1s;
  keepalive_requests 100000000;
  client_max_body_size 100m;
  client_body_buffer_size 1m;
  underscores_in_headers on;
  upstream origin { server 127.0.0.1:${options.originPort}; keepalive 64; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port};
    server_name localhost;
    ${on ? `modsecurity on;\n    modsecurity_rules_file ${options.folder}/modsecurity.conf;` : ""}
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`;
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
