/** Every option of the block `waf`, with the rules that come along, with own ones, and with the Core Rule Set. */

import { deepEqual, equal, ok } from "node:assert/strict";
import { crsFolder, NO_CRS } from "../conformance/crs/suite.ts";
import { okResponse, RawOrigin } from "../support/raw_origin.ts";
import { answering, posted, start, status } from "../support/waf_proxy.ts";

const WORDS = "1' UNION SELECT password FROM users-- ";
const ATTACK = `/?q=${encodeURIComponent(WORDS)}`;

const OWN = `SecRule ARGS|ARGS_NAMES|REQUEST_BODY "@contains union select" \\
    "id:942100,phase:2,deny,t:lowercase,tag:attack-sqli,msg:'Own rule'"
SecRule TX:blocking_paranoia_level "@ge 3" "id:2,phase:2,deny,chain"
    SecRule ARGS:odd "@rx ."
SecAction "id:3,phase:1,pass,nolog,setvar:tx.score=7"
SecRule ARGS:scored "@rx ." "id:4,phase:2,deny,chain"
    SecRule TX:score "@ge %{tx.inbound_anomaly_score_threshold}"
SecRule RESPONSE_BODY "@contains ORA-01756" "id:5,phase:4,deny,status:502"
`;

interface RuleKind {
  readonly name: string;
  /** What stands in `ruleset`. */
  readonly ruleset: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly crs?: string;
  /** Ids of the rules that find the attack. */
  readonly ids: string;
  /** A request that only rules above level 1 have something against. */
  readonly odd: string;
}

const crs = crsFolder();
if (crs === undefined) console.log(NO_CRS);

const KINDS: readonly RuleKind[] = [
  { name: "rules that come along", ruleset: "", ids: "9500100-9589999", odd: "/?q=a%28%29%28%29%3B%23--" },
  {
    name: "own rules",
    ruleset: `custom-rules-dir "rules"`,
    files: { "rules/1.conf": OWN },
    ids: "942100",
    odd: "/?odd=1",
  },
  ...crs === undefined ? [] : [{
    name: "the Core Rule Set",
    ruleset: `custom-rules-dir "crs"; crs-version "4"`,
    crs,
    ids: "920000-949109",
    odd: "/?q=a%28%29%28%29%3B%23--",
  }],
];

function json(text: string): RequestInit {
  return posted(JSON.stringify({ text }), { "content-type": "application/json" });
}

async function packed(text: string): Promise<RequestInit> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return posted(await new Response(stream).bytes(), { "content-encoding": "gzip" });
}

/** A proxy with these rules and options. */
async function serving(
  origin: RawOrigin,
  kind: RuleKind,
  more: { readonly ruleset?: string; readonly waf?: string },
) {
  const { ruleset, files = {}, crs } = kind;
  const top = `waf {
${more.waf ?? ""}
ruleset {
${ruleset}
${more.ruleset ?? ""}
}
}`;
  return await start(origin, { top, files, ...crs !== undefined && { crs } });
}

for (const kind of KINDS) {
  Deno.test(`waf options, ${kind.name}: mode, exclusions by id, tag, path and host`, async () => {
    await using origin = answering();
    await using sentinel = await serving(origin, kind, {
      ruleset:
        `exclusion "${kind.ids}" { scope "path=/excluded" }; exclusion "${kind.ids}" { scope "host=free.example" }
        exclusion { tags "attack-" "sentinel/"; scope "path=/tagged" }
        exclusion { tags "no-such-tag"; scope "path=/other" }`,
    });
    equal(await status(sentinel, "/?q=hello"), 200);
    equal(await status(sentinel, ATTACK), 403);
    equal(await status(sentinel, "/", posted(`q=${encodeURIComponent(WORDS)}`)), 403);
    equal(await status(sentinel, `/excluded${ATTACK}`), 200);
    equal(await status(sentinel, `/excluded-not${ATTACK}`), 403);
    equal(await status(sentinel, `/tagged${ATTACK}`), 200);
    equal(await status(sentinel, `/other${ATTACK}`), 403);
    equal(await sentHost(sentinel.port, "free.example"), 200);
    equal(await sentHost(sentinel.port, "bound.example"), 403);
    await using detecting = await serving(origin, kind, { waf: `mode "detection"` });
    equal(await status(detecting, ATTACK), 200);
  });

  Deno.test(`waf options, ${kind.name}: paranoia-level, anomaly-threshold`, async () => {
    await using origin = answering();
    await using first = await serving(origin, kind, { ruleset: "paranoia-level 1" });
    equal(await status(first, kind.odd), 200);
    await using third = await serving(origin, kind, { ruleset: "paranoia-level 4; anomaly-threshold 5" });
    equal(await status(third, kind.odd), 403);
    await using lenient = await serving(origin, kind, { ruleset: "anomaly-threshold 1000" });
    const scored = kind.files === undefined ? ATTACK : "/?scored=1";
    equal(await status(lenient, scored), 200);
    await using strict = await serving(origin, kind, { ruleset: "anomaly-threshold 5" });
    equal(await status(strict, scored), 403);
  });

  Deno.test(`waf options, ${kind.name}: what is looked at of request bodies`, async () => {
    await using origin = answering();
    const form = posted(`q=${encodeURIComponent(WORDS)}`);
    const behind = (body: string) => posted(`r=${"r".repeat(3000)}&${body}`);
    await using all = await serving(origin, kind, {});
    equal(await status(all, "/", form), 403);
    equal(await status(all, "/", json(WORDS)), 403);
    equal(await status(all, "/", behind(`q=${encodeURIComponent(WORDS)}`)), 403);
    equal(await status(all, "/", await packed(`q=${encodeURIComponent(WORDS)}`)), 403);
    await using narrow = await serving(origin, kind, {
      waf: `body-inspection { content-types "application/json"; max-inspection-bytes 1024 }`,
    });
    equal(await status(narrow, "/", form), 200, "another type");
    equal(await status(narrow, "/", json(WORDS)), 403);
    equal(await status(narrow, "/", json("x".repeat(3000) + WORDS)), 200, "behind what is looked at");
    equal(await status(narrow, ATTACK), 403, "the head is looked at");
    await using none = await serving(origin, kind, {
      waf: `body-inspection { inspect-request-body #false }`,
    });
    equal(await status(none, "/", form), 200);
    equal(await status(none, "/", json(WORDS)), 200);
    equal(await status(none, ATTACK), 403);
  });
}

Deno.test("waf options: decompress, max-decompression-ratio", async () => {
  const own = KINDS[1]!;
  await using origin = answering();
  const attack = await packed(`q=${encodeURIComponent(WORDS)}`);
  await using without = await serving(origin, own, { waf: "body-inspection { decompress #false }" });
  equal(await status(without, "/", attack), 200);
  // Some 200 times smaller, and longer than what may be packed as tightly as it likes.
  const tight = await packed(`q=${encodeURIComponent(WORDS)}&r=${"r".repeat(400_000)}`);
  await using wide = await serving(origin, own, { waf: "body-inspection { max-decompression-ratio 1000 }" });
  equal(await status(wide, "/", tight), 403);
  equal(await status(wide, "/", await packed(`q=fine&r=${"r".repeat(400_000)}`)), 200);
  await using narrow = await serving(origin, own, { waf: "body-inspection { max-decompression-ratio 10 }" });
  equal(await status(narrow, "/", await packed(`q=fine&r=${"r".repeat(20_000)}`)), 200);
  const beyond = await status(narrow, "/", await packed(`q=fine&r=${"r".repeat(400_000)}`));
  ok(beyond >= 400, `what cannot be looked at is refused, not let through: ${beyond}`);
});

Deno.test("waf options: inspect-response-body", async () => {
  const leaking = new RawOrigin({
    script: (connection) =>
      connection.send(okResponse("<p>ORA-01756: quoted string</p>", ["Content-Type: text/html"])),
  });
  await using origin = leaking;
  for (const kind of KINDS.slice(1)) {
    await using on = await serving(origin, kind, { waf: "body-inspection { inspect-response-body #true }" });
    ok(await status(on, "/") >= 403, kind.name);
    await using off = await serving(origin, kind, {
      waf: "body-inspection { inspect-response-body #false }",
    });
    equal(await status(off, "/"), 200, kind.name);
  }
});

Deno.test("waf options: audit-log", async () => {
  await using origin = answering();
  const types = async (waf: string) => {
    await using sentinel = await start(origin, {
      top: `waf { ${waf} }`,
      logging: `audit-log { file "-"; buffer-size 0 }`,
    });
    equal(await status(sentinel, ATTACK), 403);
    equal(await status(sentinel, "/open/end"), 200);
    await sentinel.process.said(/"path":"\/open\/end"/);
    return [...sentinel.process.output.matchAll(/"event_type":"(\w+)"/g)].map(([, type]) => type)
      .filter((type) => type !== "config_change");
  };
  deepEqual(await types(""), ["waf_block"]);
  deepEqual(await types("audit-log #false"), ["blocked"]);
});

Deno.test("waf options: crs-version without a folder is that of Debian's package", async () => {
  const isInstalled = await Deno.stat("/usr/share/modsecurity-crs/owasp-crs.load").then(
    () => true,
    () => false,
  );
  if (!isInstalled && !Deno.env.has("CI")) {
    console.log("Debian's package modsecurity-crs is not installed: its test in the proxy is skipped.");
    return;
  }
  await using origin = answering();
  await using sentinel = await start(origin, {
    top:
      `waf { engine "modsecurity"; ruleset { crs-version "3"; anomaly-threshold 5; exclusion "942000-942999" { scope "path=/sql" } } }`,
  });
  equal(await status(sentinel, "/?q=hello"), 200);
  equal(await status(sentinel, ATTACK), 403);
  equal(await status(sentinel, `/sql${ATTACK}`), 200);
  equal(
    await status(
      sentinel,
      "/",
      posted('{"a":1}}<script>alert(1)</script>', { "content-type": "application/json" }),
    ),
    403,
  );
});

/** Fetch would not send another host. */
async function sentHost(port: number, host: string): Promise<number> {
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const head =
    `GET ${ATTACK} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: Mozilla/5.0\r\nAccept: */*\r\nConnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const answer = await new Response(connection.readable).text();
  return Number(answer.slice("HTTP/1.1 ".length, "HTTP/1.1 200".length));
}
