import { equal, ok } from "node:assert/strict";
import { exposition } from "../../src/observe/exposition.ts";
import { createFamilies } from "../../src/observe/families.ts";
import { MetricsRegistry } from "../../src/observe/metrics.ts";
import { mergeSnapshots } from "../../src/observe/metrics_snapshot.ts";

/** Promtool of Debian's `prometheus` package, or undefined; CI installs it and must have it. */
async function findPromtool(): Promise<string | undefined> {
  const name = Deno.env.get("PROMTOOL") ?? "promtool";
  try {
    const { success } = await new Deno.Command(name, {
      args: ["--version"],
      stdout: "null",
      stderr: "null",
    })
      .output();
    if (success) return name;
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
  }
  ok(Deno.env.get("CI") === undefined, "promtool is missing in CI");
  console.log(
    "promtool is not installed (Debian package prometheus): its check is left out",
  );
  return undefined;
}

/** Every family with a sample, and label values that need escaping. */
function populated() {
  const registry = new MetricsRegistry({ seriesMax: 3 });
  const families = createFamilies(registry, {
    version: '1.0 "quoted" \\ \n next',
  });
  for (const family of Object.values(families)) {
    const { labelNames } = family.snapshot();
    for (const value of ["a", 'b"\\\n', "é", "one too many"]) {
      const child = family.labels(...labelNames.map(() => value));
      if ("observe" in child) child.observe(0.3);
      else child.inc(1.5);
    }
  }
  return mergeSnapshots([registry.snapshot(), registry.snapshot()]);
}

async function check(
  promtool: string,
  text: string,
): Promise<{ code: number; complaints: string[] }> {
  const child = new Deno.Command(promtool, {
    args: ["check", "metrics"],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  const said = new TextDecoder().decode(stdout) +
    new TextDecoder().decode(stderr);
  return { code, complaints: said.split("\n").filter((line) => line !== "") };
}

Deno.test("every metric family pleases promtool", async () => {
  const promtool = await findPromtool();
  if (promtool === undefined) return;
  const { contentType, text } = exposition(populated());
  equal(contentType, "text/plain; version=0.0.4; charset=utf-8");
  const { code, complaints } = await check(promtool, text);
  equal(complaints.join("\n"), "");
  equal(code, 0);
});

Deno.test("promtool objects to text that is wrong, so the check can fail", async () => {
  const promtool = await findPromtool();
  if (promtool === undefined) return;
  const { code } = await check(promtool, "# TYPE a counter\na{b=c} 1\n");
  ok(code !== 0);
});
