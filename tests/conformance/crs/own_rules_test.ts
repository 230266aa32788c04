import { deepEqual, ok } from "node:assert/strict";
import { ruleFiles } from "../../../wasm-agents/waf/rules/generate.ts";
import { hasModSecurity } from "../../support/modsecurity.ts";
import { ROOT } from "../../support/servers.ts";
import { attackStages, benignStages, type CorpusStage } from "./corpora.ts";
import { startGuest } from "./guest_contender.ts";
import { type Contender, crsRules, startPeer } from "./socket_contender.ts";
import { crsFolder, readSuite } from "./suite.ts";

/** Our own rules are plain SecLang, so ModSecurity is a second judge of them next to our engine. */
const OWN_RULES = { directives: "", files: ruleFiles() };

const hasApache = hasModSecurity("apache") || Deno.env.get("CI") !== undefined;

interface Judge {
  readonly name: string;
  readonly ignore: boolean;
  readonly start: () => Promise<Contender>;
}

/** Who runs the rules; the agent carries them. */
const JUDGES: readonly Judge[] = [
  { name: "apache", ignore: !hasApache, start: () => startPeer("apache", OWN_RULES) },
  {
    name: "the agent",
    ignore: false,
    start: () =>
      startGuest({ component: `${ROOT}wasm-agents/dist/waf.wasm`, rules: { directives: "", files: [] } }),
  },
];

/** Rules that refuse a request for its score: of the Core Rule Set, and of ours. */
const CRS_VERDICT = 949_110;
const OWN_VERDICT = 9_590_001;

const folder = crsFolder();

/** Every so manyth test of the suite. */
const STRIDE = 4;

/** The names of the stages that the contender refuses. */
async function refused(
  contender: Contender,
  stages: readonly CorpusStage[],
  verdict: number,
): Promise<Set<string>> {
  const names = new Set<string>();
  const waiting = stages.values();
  const lane = async () => {
    for (const { name, stage } of waiting) {
      if ((await contender.observe(stage)).ids.has(verdict)) names.add(name);
    }
  };
  await Promise.all(Array.from({ length: contender.lanes }, lane));
  return names;
}

for (const { name, ignore, start } of JUDGES) {
  Deno.test({
    name: `own rules, ${name}: level 1 refuses no benign request of the corpus`,
    ignore,
  }, async () => {
    await using own = await start();
    deepEqual([...await refused(own, benignStages(), OWN_VERDICT)], []);
  });

  Deno.test({
    name: `own rules, ${name}: level 1 refuses 99 % of the attacks of the corpus`,
    ignore,
  }, async () => {
    await using own = await start();
    const stages = attackStages();
    const found = await refused(own, stages, OWN_VERDICT);
    const missed = stages.filter((stage) => !found.has(stage.name)).map((stage) => stage.name);
    ok(missed.length <= stages.length / 100, missed.join("\n"));
  });

  Deno.test({
    name: `own rules, ${name}: level 1 detects more of the suite's attacks than the Core Rule Set at level 1`,
    ignore: ignore || !hasApache || folder === undefined,
  }, async () => {
    const tests = readSuite(folder!).filter((_, index) => index % STRIDE === 0);
    const named = (isAttack: boolean) =>
      tests.filter(({ stages }) => stages[0]!.expectation.expectIds.length > 0 === isAttack)
        .filter(({ stages }) => isAttack || stages[0]!.expectation.noExpectIds.length > 0)
        .map(({ title, stages }) => ({ name: title, stage: stages[0]! }));
    await using crs = await startPeer(
      "apache",
      crsRules({ folder: folder!, engine: "DetectionOnly", paranoiaLevel: 1, forTests: false }),
    );
    await using own = await start();
    const attacks = named(true);
    const byCrs = await refused(crs, attacks, CRS_VERDICT);
    const byOwn = await refused(own, attacks, OWN_VERDICT);
    console.log(`Of ${attacks.length} attacks CRS refuses ${byCrs.size}, our own rules ${byOwn.size}.`);
    ok(byOwn.size > byCrs.size, `${byOwn.size} against ${byCrs.size} of ${attacks.length}`);
    // A test that expects no match of one rule may still be an attack that others see.
    const benign = named(false);
    const wrongly = await refused(own, benign, OWN_VERDICT);
    for (const title of await refused(crs, benign, CRS_VERDICT)) wrongly.delete(title);
    deepEqual([...wrongly], []);
  });
}

/** Attacks of the corpus that the agent refuses with this threshold. */
async function refusedAt(threshold: number): Promise<number> {
  await using own = await startGuest({
    component: `${ROOT}wasm-agents/dist/waf.wasm`,
    rules: { directives: "", files: [] },
    config: { "inbound-threshold": threshold },
  });
  return (await refused(own, attackStages(), OWN_VERDICT)).size;
}

Deno.test("own rules: a threshold of the Core Rule Set's scale means what it means there", async () => {
  const [ofCrs, between, own, lax] = await Promise.all([5, 12, 25, 60].map(refusedAt));
  deepEqual([ofCrs, between], [own, own]);
  ok(lax! < own!, `${lax} against ${own}`);
});
