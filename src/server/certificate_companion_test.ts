import { deepEqual, equal } from "node:assert/strict";
import { parseConfig } from "../config/load.ts";
import { CertificateCompanion } from "./certificate_companion.ts";
import type { ReloadResult } from "./supervisor.ts";
import type { NextConfig } from "./thread.ts";

const MINUTE_MS = 60_000;

Deno.test("certificate companion: files that were refused are tried again, as it may not be their fault", async () => {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-certificates-" });
  try {
    await Deno.writeTextFile(`${folder}/site.pem`, "one");
    await Deno.writeTextFile(`${folder}/site.key`, "one");
    const { config, issues } = parseConfig(`system { worker-threads 1; }
      listeners { listener "a" { address "127.0.0.1:1"; protocol "https"
      tls { cert-file "${folder}/site.pem"; key-file "${folder}/site.key"; }; }; }`);
    deepEqual(issues.filter(({ severity }) => severity === "error"), []);
    const next = { config } as NextConfig;
    const polls = new Set<() => void>();
    const timers = {
      after: () => () => {},
      every(ms: number, run: () => void) {
        if (ms === MINUTE_MS) polls.add(run);
        return () => polls.delete(run);
      },
    };
    const outcomes: ReloadResult["outcome"][] = [];
    let answer: ReloadResult["outcome"] = "failed";
    const companion = new CertificateCompanion({
      log() {},
      clock: { wallMs: () => Date.now() },
      timers,
      refresh: async () => {
        if (answer === "applied") {
          await companion.prepare(next);
          companion.commit(next);
        }
        return { outcome: answer, problems: [] } as unknown as ReloadResult;
      },
      changed: (outcome) => outcomes.push(outcome),
    });
    const checked = async (minutes: number) => {
      for (let i = 0; i < minutes; i++) {
        for (const poll of polls) poll();
        await companion.check();
      }
      await companion.check();
      return outcomes.splice(0);
    };
    await companion.prepare(next);
    companion.commit(next);
    deepEqual(await checked(30), [], "nothing has changed");

    await Deno.writeTextFile(`${folder}/site.pem`, "two");
    deepEqual(await checked(0), ["failed"]);
    deepEqual(await checked(9), []);
    deepEqual(await checked(1), ["failed"], "the same files, ten minutes later");
    answer = "applied";
    deepEqual(await checked(9), []);
    deepEqual(await checked(1), ["applied"]);
    deepEqual(await checked(30), [], "they are served");
    await companion.close();
    equal(polls.size, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
