import { match } from "node:assert/strict";
import { main } from "./program.ts";

Deno.test("explain: the firewall decides as it would, by headers as they were sent", async () => {
  const folder = await Deno.makeTempDir({ prefix: "explain-" });
  try {
    await Deno.writeTextFile(
      `${folder}/own.conf`,
      `SecRuleEngine On
SecRule REQUEST_HEADERS:Connection "@contains x-hop" "id:1,phase:1,deny,status:418"`,
    );
    const config = `${folder}/sentinel.kdl`;
    await Deno.writeTextFile(
      config,
      `system { }
listeners { listener "main" { address "127.0.0.1:8080"; }; }
agents { agent "waf" type="waf" { config { rules "own.conf"; }; }; }
routes { route "all" { matches { path-prefix "/"; }; upstream "web"; waf-enabled #true; }; }
upstreams { upstream "web" { target "127.0.0.1:9003"; }; }
`,
    );
    const rows = [
      ["Connection: close, x-hop", /^agent +waf block .*rules 1\)$[^]*^result +418 from the proxy itself$/m],
      ["X-Hop: x-hop", /^agent +waf allow [^]*^result +sent to upstream "web"/m],
    ] as const;
    for (const [header, want] of rows) {
      let printed = "";
      const print = (text: string) => printed += `${text}\n`;
      const terminal = { out: print, err: print, env: () => undefined, color: false };
      await main(["explain", "--config", config, "-r", "GET http://a.example/", "-H", header], terminal);
      match(printed, want);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
