import { equal, ok } from "node:assert/strict";
import { builtinRules, builtinSource } from "./generate.ts";

const RULES = builtinRules();

Deno.test("rules: what the agent carries is what the files say", () => {
  equal(
    Deno.readTextFileSync(new URL("builtin.ts", import.meta.url)),
    builtinSource(),
    "run deno run -A wasm-agents/waf/rules/generate.ts",
  );
});

Deno.test("rules: ids are unique and in the range that is ours", () => {
  const ids = [...RULES.matchAll(/[" ,]id:(\d+)/g)].map((match) => Number(match[1]));
  ok(ids.length > 200);
  equal(new Set(ids).size, ids.length);
  for (const id of ids) ok(id >= 9_500_000 && id < 9_600_000, String(id));
});

Deno.test("rules: every level has rules of every class, and every rule that scores says its level", () => {
  const scoring = RULES.split("\n").filter((line) =>
    /blocking_inbound_anomaly_score=\+/.test(line) && line.includes("id:")
  );
  for (const line of scoring) {
    ok(/tag:'paranoia-level\/[1-4]'/.test(line), line);
  }
  for (
    const name of [
      "protocol",
      "sqli",
      "xss",
      "files",
      "commands",
      "templates",
      "objects",
      "queries",
    ]
  ) {
    for (const level of [1, 2, 3, 4]) {
      const found = scoring.some((line) =>
        line.includes(`tag:'sentinel/${name}'`) &&
        line.includes(`paranoia-level/${level}`)
      );
      ok(found, `${name} at level ${level}`);
    }
  }
});
