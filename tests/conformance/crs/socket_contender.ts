/** Firewalls that are reached through a socket. */

import { parseResponses, RawClient, textOf } from "../../support/raw_client.ts";
import { freePort, Sentinel } from "../../support/servers.ts";
import { type ModSecurityServer, startModSecurity } from "../../support/modsecurity.ts";
import { AuditLog, type ReadEntry, readModSecurity2, readModSecurity3, readSentinel } from "./audit_log.ts";
import { startBackend } from "./backend.ts";
import type { Observation } from "./judge.ts";
import { type CrsSettings, ruleFiles, setupDirectives } from "./settings.ts";
import type { Stage } from "./suite.ts";

/** A firewall under test. */
export interface Contender extends AsyncDisposable {
  /** How many requests it may be given at the same time. */
  readonly lanes: number;
  observe(stage: Stage): Promise<Observation>;
}

/** Time for an answer. Few tests use it up: those whose request never ends. */
const RESPONSE_TIMEOUT_MS = 2500;

/** Sends a request over a connection of its own. Returns what came back, and the port it was sent from. */
export async function sendStage(
  port: number,
  stage: Stage,
): Promise<Pick<Observation, "status" | "response"> & { clientPort: number }> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  socket.setNoDelay(true);
  const clientPort = socket.localAddr.port;
  const client = new RawClient(socket);
  try {
    const sending = client.send(stage.bytes);
    let response = await client.response({
      timeoutMs: RESPONSE_TIMEOUT_MS,
      headOnly: stage.isHead,
    })
      .catch(() => null);
    if (response === null) {
      // A server that waits for the rest of the request answers, or logs at least, once none can come.
      await client.finishSending();
      await client.closedWithin(RESPONSE_TIMEOUT_MS);
      response = parseResponses(client.received, { ended: true, headOnly: stage.isHead })
        .responses[0] ??
        null;
    }
    await sending;
    return {
      clientPort,
      status: response?.status,
      response: response === null ? "" : `${response.head}\r\n\r\n${textOf(response.body)}`,
    };
  } finally {
    client.close();
  }
}

const READERS: Readonly<Record<ModSecurityServer, ReadEntry>> = {
  apache: readModSecurity2,
  nginx: readModSecurity3,
};

/** What a firewall is to run. */
export interface RuleSet {
  readonly directives: string;
  /** Files to include after the directives. */
  readonly files: readonly string[];
}

/** The Core Rule Set under these settings. */
export function crsRules(settings: CrsSettings): RuleSet {
  return { directives: setupDirectives(settings), files: ruleFiles(settings) };
}

/** Starts a server with ModSecurity, the rules, and the backend that the tests want. */
export async function startPeer(
  server: ModSecurityServer,
  rules: RuleSet,
): Promise<Contender> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: `crs-${server}-` });
  cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
  await Deno.chmod(folder, 0o755);
  const backend = cleanUp.use(startBackend());
  const auditLog = `${folder}/audit.json`;
  const running = cleanUp.use(
    await startModSecurity(server, {
      folder,
      auditLog,
      originPort: backend.port,
      directives: rules.directives,
      ruleFiles: rules.files,
    }),
  );
  const log = cleanUp.use(new AuditLog(auditLog, READERS[server]));
  const owned = cleanUp.move();
  return {
    lanes: 4,
    async observe(stage) {
      const { clientPort, ...seen } = await sendStage(running.port, stage);
      return { ...seen, ...await log.take(String(clientPort)) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A match of every request, so that each has its line in the audit log. */
const MARKER = `SecAction "id:900999,phase:1,pass,log,msg:'Every request'"\n`;

/** Starts Sentinel with one worker and the rules. */
export async function startSentinelPeer(rules: RuleSet): Promise<Contender> {
  await using cleanUp = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "crs-sentinel-" });
  cleanUp.defer(() => Deno.remove(folder, { recursive: true }));
  const backend = cleanUp.use(startBackend());
  await Deno.writeTextFile(`${folder}/setup.conf`, rules.directives + MARKER);
  const auditLog = `${folder}/audit.log`;
  await Deno.writeTextFile(auditLog, "");
  const port = freePort();
  const files = [`${folder}/setup.conf`, ...rules.files].map((each) => `"${each}"`).join(" ");
  cleanUp.use(
    await Sentinel.start({
      ready: port,
      kdl: `system { worker-threads 1; }
agents-dir enabled=#false
agents { agent "waf" type="waf" { config { rules ${files}; inspect-response-body #true; }; }; }
filters { filter "waf" { type "agent"; agent "waf"; }; }
listeners { listener "main" { address "127.0.0.1:${port}"; protocol "http"; }; }
routes { route "all" { matches { path-prefix "/"; }; filters "waf"; upstream "origin"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${backend.port}"; }; }
observability { metrics { address "127.0.0.1:${freePort()}"; }
  logging { level "warn"; access-log { enabled #false; }
    audit-log { file "${auditLog}"; buffer-size 0; log-agent-decisions #false; }
  }
}
`,
    }),
  );
  const log = cleanUp.use(new AuditLog(auditLog, readSentinel));
  const owned = cleanUp.move();
  return {
    lanes: 4,
    async observe(stage) {
      const { clientPort: _, ...seen } = await sendStage(port, stage);
      const id = /\r\nx-correlation-id: *([^\r]+)/i.exec(seen.response)?.[1];
      if (id === undefined) return { ...seen, ids: new Set(), messages: "" };
      return { ...seen, ...await log.take(id) };
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
