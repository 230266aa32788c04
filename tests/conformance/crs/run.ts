/**
 * Runs the regression tests of the Core Rule Set against a contender and prints what fails:
 * `deno task crs sentinel|agent|apache|nginx [--only 942]`. The agent is the one of wasm-agents/dist
 * called without sockets; Sentinel is all of it.
 */

import { MODSECURITY_SERVERS, type ModSecurityServer } from "../../support/modsecurity.ts";
import { ROOT } from "../../support/servers.ts";
import { startGuest } from "./guest_contender.ts";
import { runSuite } from "./run_suite.ts";
import type { CrsSettings } from "./settings.ts";
import { type Contender, crsRules, startPeer, startSentinelPeer } from "./socket_contender.ts";
import { crsFolder, NO_CRS, readSuite } from "./suite.ts";

const folder = crsFolder();
if (folder === undefined) {
  console.error(NO_CRS);
  Deno.exit(2);
}
const [name = "", flag, only = ""] = Deno.args;
if (flag !== undefined && flag !== "--only") {
  throw new Error(`Unknown option ${flag}`);
}
const settings: CrsSettings = {
  folder,
  engine: "DetectionOnly",
  paranoiaLevel: 4,
  forTests: true,
};

const starters: Record<string, () => Promise<Contender>> = {
  sentinel: () => startSentinelPeer(crsRules(settings)),
  agent: () =>
    startGuest({
      component: `${ROOT}wasm-agents/dist/waf.wasm`,
      rules: crsRules(settings),
      dataFolder: `${folder}/rules`,
    }),
};
for (const server of MODSECURITY_SERVERS) {
  starters[server] = () => startPeer(server as ModSecurityServer, crsRules(settings));
}

const start = starters[name];
if (start === undefined) {
  throw new Error(
    `No contender "${name}"; there are ${Object.keys(starters).join(", ")}`,
  );
}
const tests = readSuite(folder).filter((each) => each.title.startsWith(only));
await using contender = await start();
const beganMs = performance.now();
const { passed, failures } = await runSuite(contender, tests);
for (const { title, problems } of failures) {
  console.log(`${title}: ${problems.join("; ")}`);
}
const seconds = ((performance.now() - beganMs) / 1000).toFixed(1);
console.log(`${name}: ${passed} of ${tests.length} passed in ${seconds} s`);
