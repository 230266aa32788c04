/** The firewall in a running proxy: with the rules that come along, with those of the Core Rule Set, and with own ones. */

import { equal, match, ok } from "node:assert/strict";
import { crsFolder, NO_CRS } from "../conformance/crs/suite.ts";
import { ROOT } from "../support/servers.ts";
import { answering, posted, start, status, untilIs } from "../support/waf_proxy.ts";

const ATTACK = `/?q=${encodeURIComponent("1' UNION SELECT password FROM users-- ")}`;

Deno.test("waf: a block without anything protects with the rules that come along", async () => {
  await using origin = answering();
  await using sentinel = await start(origin, { top: "waf { }" });
  equal(await status(sentinel, "/?q=hello"), 200);
  equal(await status(sentinel, ATTACK), 403);
  equal(await status(sentinel, `/open${ATTACK}`), 200);
  const view = await (await sentinel.admin("/agents")).json();
  equal(view.agents[0].id, "waf");
  equal(view.agents[0].path, "bundled:waf");
});

Deno.test("waf: detection lets everything pass", async () => {
  await using origin = answering();
  await using sentinel = await start(origin, { top: `waf { mode "detection"; }` });
  equal(await status(sentinel, ATTACK), 200);
});

Deno.test("waf: own rules, with files that they include and read, changed by a reload", async () => {
  await using origin = answering();
  const files = {
    "rules/main.conf": `SecRuleEngine On
SecRequestBodyAccess On
Include more.conf
SecRule ARGS:q "@pmFromFile words.data" "id:1,phase:2,deny,status:418"`,
    "rules/more.conf": `SecRule REQUEST_HEADERS:X-Odd "@streq 1" "id:2,phase:1,deny,status:419"`,
    "rules/words.data": "alpha\nbeta\n",
  };
  await using sentinel = await start(origin, {
    files,
    top: `agents { agent "own" type="waf" { config { rules "rules/ma*.conf"; } } }`,
  });
  equal(await status(sentinel, "/?q=gamma"), 200);
  equal(await status(sentinel, "/?q=beta"), 418);
  equal(await status(sentinel, "/", { headers: { "x-odd": "1" } }), 419);
  equal(await status(sentinel, "/", posted("q=alpha")), 418);
  const packed = new Response(
    new Blob(["q=alpha"]).stream().pipeThrough(new CompressionStream("gzip")),
  );
  const gzip = posted(await packed.bytes(), { "content-encoding": "gzip" });
  equal(await status(sentinel, "/", gzip), 418, "compressed bodies are looked at decompressed");

  await Deno.writeTextFile(`${sentinel.folder}/rules/words.data`, "gamma\n");
  sentinel.process.signal("SIGHUP");
  await sentinel.process.said(/reload/i);
  await untilIs(418, () => status(sentinel, "/?q=gamma"));
  equal(await status(sentinel, "/?q=beta"), 200);

  await Deno.writeTextFile(`${sentinel.folder}/rules/more.conf`, "SecRule ARGS\n");
  sentinel.process.signal("SIGHUP");
  await sentinel.process.said(/rules\/more\.conf:1: /);
  equal(await status(sentinel, "/?q=gamma"), 418, "what was served stays");
});

Deno.test("waf: no more of a body is looked at than is wanted, and the rest goes on", async () => {
  await using origin = answering();
  const files = { "rules/1.conf": `SecRule ARGS:q "@streq bad" "id:1,phase:2,deny,status:418"` };
  await using sentinel = await start(origin, {
    files,
    top: `waf { ruleset { custom-rules-dir "rules"; }
  body-inspection { max-inspection-bytes 1024; content-types "application/x-www-form-urlencoded"; } }`,
  });
  equal(await status(sentinel, "/", posted("q=bad")), 418);
  equal(await status(sentinel, "/", posted(`q=bad&r=${"r".repeat(50_000)}`)), 418);
  equal(await status(sentinel, "/", posted(`r=${"r".repeat(50_000)}&q=bad`)), 200);
  equal(origin.requests.at(-1)!.body.length, 50_008);
  const other = posted("q=bad", { "content-type": "application/x-other" });
  equal(await status(sentinel, "/", other), 200, "another type");
});

Deno.test("waf: dropped into the agents folder, with rules from there, by their full names too", async () => {
  await using origin = answering();
  await using sentinel = await start(origin, { top: "waf { }" });
  const folder = `${sentinel.folder}/agents`;
  await Deno.mkdir(folder);
  // As Debian's package has it: one file that includes the others by their full names.
  await Deno.writeTextFile(
    `${sentinel.folder}/rules/1.conf`,
    `SecRule ARGS:q "@streq a" "id:1,phase:2,deny,status:418"`,
  );
  await Deno.writeTextFile(
    `${folder}/all.load`,
    `SecRuleEngine On\nInclude ${sentinel.folder}/rules/*.conf\n`,
  );
  await Deno.writeTextFile(`${folder}/own.kdl`, `type "waf"\nconfig { rules "all.load"; }\n`);
  await Deno.copyFile(`${ROOT}wasm-agents/dist/waf.wasm`, `${folder}/.own.part`);
  await Deno.rename(`${folder}/.own.part`, `${folder}/own.wasm`);
  await untilIs(418, () => status(sentinel, "/open?q=a"));
  equal(await status(sentinel, "/open?q=b"), 200);
});

Deno.test("waf: the Core Rule Set of a folder", async () => {
  const crs = crsFolder();
  if (crs === undefined) {
    console.log(NO_CRS);
    return;
  }
  await using origin = answering();
  await using sentinel = await start(origin, {
    crs,
    top: `waf { ruleset { custom-rules-dir "crs"; crs-version "4"; paranoia-level 1; anomaly-threshold 5
  exclusion "920000-949999" { scope "path=/excluded"; } } }`,
  });
  equal(await status(sentinel, "/?q=hello&page=2"), 200);
  equal(await status(sentinel, ATTACK), 403);
  equal(await status(sentinel, `/excluded${ATTACK}`), 200);
  equal(await status(sentinel, "/", posted("text=<script>alert(1)</script>")), 403);
  equal(await status(sentinel, "/", posted("text=a+few+words")), 200);
  const view = await (await sentinel.admin("/agents")).json();
  equal(view.agents[0].instances.live, 2, "one for each worker");
  ok(
    view.agents[0].instances.memoryBytes / 2 < 64 * 1024 * 1024,
    `${view.agents[0].instances.memoryBytes} bytes`,
  );
  match(
    await (await sentinel.admin("/metrics")).text(),
    /^sentinel_agent_verdicts_total\{agent="waf".*verdict="block"\}/m,
  );
});
