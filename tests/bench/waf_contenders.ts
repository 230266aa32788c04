/** Proxies with and without a firewall, running the same rules. */

import { type CrsSettings, ruleFiles, setupDirectives } from "../conformance/crs/settings.ts";
import { hasModSecurity, MODSECURITY_SERVERS, startModSecurity } from "../support/modsecurity.ts";
import { freePort, ROOT, Server, shippedFlags } from "../support/servers.ts";
import type { Running } from "./contenders.ts";
import { PROXY_CORE } from "./load.ts";

/** How to run a contender. */
export interface WafSetting {
  readonly originPort: number;
  /** Folder with the Core Rule Set. */
  readonly crs: string;
  /** Null: the same proxy without a firewall. */
  readonly paranoiaLevel: 1 | 4 | null;
  /** Workers of Sentinel; left out, one, as the others have. */
  readonly workers?: number;
}

/** Where the firewall's agent is built to. */
const WAF_COMPONENT = `${ROOT}wasm-agents/dist/waf.wasm`;

/** Proxies that can run here. */
export function wafContenders(): string[] {
  const sentinel = exists(WAF_COMPONENT) ? ["sentinel"] : [];
  return [...sentinel, ...MODSECURITY_SERVERS.filter(hasModSecurity)];
}

/** Starts a contender on the core for proxies, with one worker, an access log and an audit log of matches. */
export async function startWaf(
  name: string,
  setting: WafSetting,
): Promise<Running & { readonly startMs: number }> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: `bench-waf-${name}-` });
  cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.chmod(folder, 0o755);
  const settings: CrsSettings = {
    folder: setting.crs,
    engine: "On",
    paranoiaLevel: setting.paranoiaLevel ?? 1,
    forTests: false,
  };
  const before = ["taskset", "-c", String(PROXY_CORE)];
  const beganMs = performance.now();
  const running = name === "sentinel"
    ? await startSentinel({ folder, before, settings, setting })
    : await startModSecurity(name === "apache" ? "apache" : "nginx", {
      folder,
      before,
      originPort: setting.originPort,
      directives: setting.paranoiaLevel === null ? null : setupDirectives(settings),
      ruleFiles: ruleFiles(settings),
      // As Sentinel does: which rules matched in what was refused is not to be lost.
      auditLog: `${folder}/audit.log`,
      audited: "matches",
    });
  const startMs = performance.now() - beganMs;
  cleanUp.use(running);
  const owned = cleanUp.move();
  return { pid: running.pid, port: running.port, startMs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface SentinelPlan {
  readonly folder: string;
  readonly before: readonly string[];
  readonly settings: CrsSettings;
  readonly setting: WafSetting;
}

async function startSentinel({ folder, before, settings, setting }: SentinelPlan): Promise<Running> {
  const port = freePort();
  const setup = `${folder}/setup.conf`;
  await Deno.writeTextFile(setup, setupDirectives(settings));
  const rules = [setup, ...ruleFiles(settings)].map((each) => `"${each}"`).join(" ");
  const on = setting.paranoiaLevel !== null;
  const path = `${folder}/sentinel.kdl`;
  await Deno.writeTextFile(
    path,
    `system { worker-threads ${setting.workers ?? 1}; }
agents-dir enabled=#false
${
      on
        ? `agents { agent "waf" type="waf" { config { rules ${rules}; }; }; }
filters { filter "waf" { type "agent"; agent "waf"; }; }`
        : ""
    }
listeners { listener "main" { address "127.0.0.1:${port}"; protocol "http"; }; }
routes { route "all" { matches { path-prefix "/"; }; ${on ? 'filters "waf";' : ""} upstream "origin"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${setting.originPort}"; connection-pool { max-idle 64; }; }; }
observability { metrics { address "127.0.0.1:${freePort()}"; }
  logging { level "warn"
    access-log { file "${folder}/access.log"; format "combined"; buffer-size 65536; }
    error-log { file "${folder}/error.log"; }
    audit-log { file "${folder}/audit.log"; buffer-size 65536; }
  }
}
`,
  );
  const words = [
    ...before,
    Deno.execPath(),
    "run",
    ...shippedFlags(),
    `${ROOT}src/main.ts`,
    "run",
    "--config",
    path,
  ];
  const server = await Server.start({ command: words[0]!, args: words.slice(1), cwd: ROOT, ready: port });
  return { pid: server.pid, port, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
