import { deepEqual, equal } from "node:assert/strict";
import { ROOT, shippedFlags } from "../support/servers.ts";

const manifest = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`)) as { tasks: Record<string, string> };

Deno.test("permissions: what ships never runs with all of them, nor may it start programs", () => {
  const flags = shippedFlags();
  for (const flag of ["-A", "--allow-all", "--allow-run", "--allow-ffi", "--allow-import"]) {
    equal(manifest.tasks["sentinel"]!.split(" ").some((word) => word.split("=")[0] === flag), false, flag);
  }
  for (const flag of ["--allow-env", "--allow-sys"]) {
    equal(flags.some((word) => word.startsWith(`${flag}=`)), true, `${flag} must be a list`);
  }
});

Deno.test("permissions: every way to start has the same ones", () => {
  const flags = shippedFlags();
  const starting = manifest.tasks["start"]!.split(" ").filter((word) => word.startsWith("--"));
  deepEqual(starting, flags);
  const dockerfile = Deno.readTextFileSync(`${ROOT}Dockerfile`);
  const entry = JSON.parse(/^ENTRYPOINT (\[.+\])$/m.exec(dockerfile)![1]!) as string[];
  deepEqual(
    entry.filter((word) => word.startsWith("--allow")),
    flags.filter((word) => word.startsWith("--allow")),
  );
});

Deno.test("permissions: the README explains each one", () => {
  const readme = Deno.readTextFileSync(`${ROOT}README.md`);
  for (const flag of shippedFlags()) {
    const [name, value] = flag.split("=");
    const isExplained = readme.includes(`\`${flag}\``) ||
      (value !== undefined && readme.includes(`\`${name}=…\``));
    equal(isExplained, true, flag);
  }
});
