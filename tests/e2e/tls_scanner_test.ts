import { deepEqual, equal } from "node:assert/strict";
import { OptionStage } from "../support/option_stage.ts";
import { Authority } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";

const SCANNER = ["testssl", "testssl.sh"].find(hasCommand);
const ignore = SCANNER === undefined && Deno.env.get("CI") === undefined;
const SCAN_TIMEOUT_MS = 300_000;

/**
 * Findings that say nothing about the listener, and why.
 * `cipher_order`: the engine follows the client among suites that are all good, as RFC 9325 allows; scanners since
 * 3.2 call that fine. `DNS_CAArecord`: there is no such name in the DNS.
 */
const ACCEPTED: ReadonlySet<string> = new Set(["cipher_order", "DNS_CAArecord"]);

interface Finding {
  readonly id: string;
  readonly severity: string;
  readonly finding: string;
}

Deno.test({
  name: "TLS: testssl.sh has nothing to say at LOW or worse",
  ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-scan-" });
    try {
      const root = await Authority.root(folder, "root");
      const { cert, key } = await root.issue("site", {
        names: ["DNS:localhost", "IP:127.0.0.1"],
        list: true,
      });
      await using stage = await OptionStage.start((place) =>
        `system { worker-threads 1; }
limits { max-connections-per-client 10000; }
listeners { listener "https" { address "127.0.0.1:${place.port("https")}"; protocol "https"
  tls { cert-file "${cert}"; key-file "${key}"; }; }; }
filters {
  filter "hsts" { type "hsts"; }
  filter "safe" { type "headers"; phase "response"; set {
    X-Frame-Options "DENY"
    X-Content-Type-Options "nosniff"
    Content-Security-Policy "default-src 'none'"
    Referrer-Policy "no-referrer"
  }; }
}
routes { route "all" { matches { path-prefix "/"; }; service-type "builtin"; builtin-handler "health"; filters "hsts" "safe"; }; }
observability { metrics { enabled #false; }; logging { level "warn"; access-log { enabled #false; }; error-log { enabled #false; }; }; }
`
      );
      const report = `${folder}/report.json`;
      const { code, stdout } = await new Deno.Command(SCANNER!, {
        args: [
          ...["--quiet", "--color", "0", "--warnings", "off", "--severity", "LOW", "--jsonfile", report],
          ...["--nodns", "none", "--ip", "127.0.0.1", "--add-ca", root.pair.cert],
          `localhost:${stage.port("https")}`,
        ],
        cwd: folder,
        stdin: "null",
        signal: AbortSignal.timeout(SCAN_TIMEOUT_MS),
      }).output();
      const output = new TextDecoder().decode(stdout);
      const findings = JSON.parse(await Deno.readTextFile(report)) as Finding[];
      const bad = findings.filter(({ severity, id }) =>
        ["LOW", "MEDIUM", "HIGH", "CRITICAL"].includes(severity) && !ACCEPTED.has(id)
      );
      deepEqual(bad, [], output);
      equal(
        /TLS 1\.3\s+offered/.test(output) && /TLS 1\.2\s+offered/.test(output),
        true,
        `${code}: ${output}`,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
