import { deepEqual, equal, ok } from "node:assert/strict";
import { response } from "../../testing/messages.ts";
import { crsFiles } from "../testing/crs_expressions.ts";
import { Waf, type WafRequest, wafWith } from "../testing/waf_agent.ts";

const rules = crsFiles(".conf");
const phrases = crsFiles(".data");
const setup = crsFiles(".example");

const ignore = rules === null && !Deno.env.has("CI");
if (ignore) {
  console.log("The OWASP Core Rule Set is not here (set CRS_DIR): its tests of the engine are skipped.");
}

/** CRS as it is released, behind `before`. Bytes stand as units. */
function crs(before: string, level: number | undefined): Promise<Waf> {
  ok(rules !== null && phrases !== null && setup !== null);
  const files = Object.fromEntries([...rules, ...phrases].map(([name, text]) => [name, bytesOf(text)]));
  const config = {
    rules: ["test.conf", ...rules.keys()],
    ...level !== undefined && { "paranoia-level": level },
  };
  return wafWith(
    `${before}\nSecAction "id:900990,phase:1,pass,t:none,nolog,setvar:tx.crs_setup_version=4290"`,
    {
      files,
      config,
    },
  );
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0));
}

const BROWSER = {
  host: "shop.example",
  headers: {
    "Host": "shop.example",
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-US,en;q=0.5",
    "Accept-Encoding": "gzip, deflate, br",
    "Connection": "keep-alive",
    "Referer": "https://shop.example/list",
    "Cookie": "session=8f14e45fceea167a5a36dedd4bea2543; theme=dark; lang=en",
  },
} satisfies WafRequest;

const SAMPLES: readonly { readonly target: string; readonly parts?: WafRequest }[] = [
  { target: "/search?q=red+shoes&page=2&sort=price&lang=en" },
  { target: "/?id=1%27+UNION+SELECT+password+FROM+users--" },
  { target: "/?x=%3Cscript%3Ealert(1)%3C/script%3E" },
  { target: "/?f=../../../../etc/passwd" },
  { target: "/?c=%3Bcat+/etc/passwd" },
  { target: "/index.php?a=%00" },
  { target: "/a.bak", parts: { method: "PUT" } },
  { target: "/", parts: { headers: { "X-Http-Method": "DELETE" } } },
  { target: "/", parts: { body: "name=O%27Brien&text=a+b" } },
  { target: "/", parts: { body: "a=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E" } },
  {
    target: "/",
    parts: { body: '{"a":"<script>alert(1)</script>"}', headers: { "Content-Type": "application/json" } },
  },
];

function judgeSample(waf: Waf, { target, parts = {} }: (typeof SAMPLES)[number]) {
  return waf.judge(target, { ...BROWSER, ...parts, headers: { ...BROWSER.headers, ...parts.headers } });
}

Deno.test({ name: "crs: loads unmodified, in time and memory, and judges", ignore }, async () => {
  for (const level of [1, 4]) {
    const startMs = performance.now();
    const waf = await crs("", level);
    ok(performance.now() - startMs < 10_000);
    ok(waf.agent.memoryBytes < 48 << 20, `${waf.agent.memoryBytes} bytes at level ${level}`);
    const clean = await judgeSample(waf, SAMPLES[0]!);
    if (level === 1) deepEqual([clean.decision, clean.ids], ["allow", []]);
    for (const sample of SAMPLES.slice(2, 5)) {
      equal((await judgeSample(waf, sample)).decision, "block 403", sample.target);
    }
  }
});

Deno.test({ name: "crs: leaving rules out changes no verdict", ignore }, async () => {
  for (const level of [1, 2, 3]) {
    const settled = await crs("", level);
    // As the level comes from the request here, no rule can be left out.
    const open = await crs(
      `SecRule REQUEST_METHOD "@rx ." "id:5,phase:1,pass,nolog,setvar:tx.blocking_paranoia_level=${level}"`,
      undefined,
    );
    for (const sample of SAMPLES) {
      const [one, other] = [await judgeSample(settled, sample), await judgeSample(open, sample)];
      deepEqual([one.decision, one.ids, one.facts["waf.score.inbound"]], [
        other.decision,
        other.ids,
        other.facts["waf.score.inbound"],
      ], `${sample.target} at ${level}`);
    }
  }
});

Deno.test({ name: "crs: requests leave nothing behind in memory", ignore }, async () => {
  const waf = await crs("SecResponseBodyAccess On", 2);
  const run = async () => {
    for (let round = 0; round < 30; round++) {
      for (const { target, parts = {} } of SAMPLES) {
        const headers = { ...BROWSER.headers, ...parts.headers };
        const message = waf.request(target, { ...BROWSER, ...parts, headers });
        const { needsMore } = await waf.agent.onRequest(message);
        if (needsMore) await waf.agent.onRequestBody(message, parts.body as string);
        const answer = response(200, { "Content-Type": "text/html" });
        if ((await waf.agent.onResponse(message, answer)).needsMore) {
          await waf.agent.onResponseBody(
            { request: message, response: answer },
            "<html>ORA-01756: error</html>",
          );
        }
        await waf.agent.onRequestComplete(message);
      }
    }
    return waf.agent.memoryBytes;
  };
  const before = await run();
  for (let more = 0; more < 4; more++) equal(await run(), before);
});
