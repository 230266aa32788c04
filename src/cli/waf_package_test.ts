/** The Core Rule Set 3 as Debian's package `modsecurity-crs` brings it, unmodified: its rules, its setup, its file that loads both. */

import { equal, match, ok } from "node:assert/strict";
import { Stage } from "../../tests/support/waf_stage.ts";

const FOLDER = "/usr/share/modsecurity-crs";
const LOAD = `${FOLDER}/owasp-crs.load`;

const isInstalled = await Deno.stat(LOAD).then(() => true, () => false);
const ignore = !isInstalled && !Deno.env.has("CI");
if (ignore) {
  console.log("Debian's package modsecurity-crs is not installed: its tests of the verbs waf are skipped.");
}

const BROWSER = ["-H", "User-Agent: Mozilla/5.0", "-H", "Accept: text/html,application/xml;q=0.9,*/*;q=0.8"];
const FORM = ["-H", "Content-Type: application/x-www-form-urlencoded"];

Deno.test(
  { name: "waf: Debian's package loads as it is, by its file and by its folder", ignore },
  async () => {
    await using stage = await Stage.make({});
    for (const path of [LOAD, FOLDER]) {
      const { status, out } = await stage.waf("check", path);
      equal(status, 0, out);
      match(out, /^3[5-9] rule files, \d+ data files: 6\d\d rules, /m);
      match(out, /^0 errors, \d+ warnings$/m);
      match(out, /: warning: @rbl never matches here/);
      ok(out.split("\n").length < 12, out);
    }
  },
);

/** Requests, and rules that they must match: none for those that pass. */
const REQUESTS: readonly {
  readonly name: string;
  readonly target: string;
  readonly more?: readonly string[];
  readonly level?: string;
  readonly ids: readonly number[];
}[] = [
  { name: "a search", target: "/?q=red+shoes&page=2", ids: [] },
  { name: "a form", target: "/", more: [...FORM, "-d", "name=O%27Brien&text=some+words"], ids: [] },
  { name: "a form in a known charset", target: "/", more: typed("; charset=UTF-8"), ids: [] },
  { name: "a form in an unknown one", target: "/", more: typed("; charset=utf-7"), ids: [920480] },
  { name: "SQL", target: "/?id=1%27+UNION+SELECT+password+FROM+users--", ids: [942100, 949110] },
  { name: "a comparison of a word with itself", target: "/?q=foo+or+a%3Da", level: "2", ids: [942130] },
  { name: "of two words that differ", target: "/?q=foo+or+a%3Db", level: "2", ids: [] },
  { name: "a script", target: "/?x=%3Cscript%3Ealert(1)%3C/script%3E", ids: [941100, 941110, 949110] },
  { name: "a file", target: "/?f=../../../../etc/passwd", ids: [930100, 930120, 932160, 949110] },
  { name: "a command", target: "/?c=%3Bcat+/etc/passwd", ids: [932100, 949110] },
  { name: "a name of a file", target: "/", more: upload("a&auml;.txt"), ids: [] },
  { name: "a strange name of a file", target: "/", more: upload("a;b.txt"), ids: [920120] },
  { name: "JSON", target: "/", more: json('{"text":"some words"}'), ids: [] },
  {
    name: "JSON with a script",
    target: "/",
    more: json('{"text":"<script>alert(1)</script>"}'),
    ids: [941100, 949110],
  },
  {
    name: "a script behind an error of syntax",
    target: "/",
    more: json('{"text":"a"}}<script>alert(1)</script>'),
    ids: [941100, 949110],
  },
];

function typed(parameters: string): readonly string[] {
  return ["-H", `Content-Type: application/x-www-form-urlencoded${parameters}`, "-d", "a=b"];
}

function json(body: string): readonly string[] {
  return ["-H", "Content-Type: application/json", "-d", body];
}

function upload(name: string): readonly string[] {
  const part =
    `--b\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\n\r\nhello\r\n--b--\r\n`;
  return ["-H", "Content-Type: multipart/form-data; boundary=b", "-d", part];
}

Deno.test({ name: "waf: Debian's package finds attacks, and lets others pass", ignore }, async () => {
  await using stage = await Stage.make({});
  for (const { name, target, more = [], level = "1", ids } of REQUESTS) {
    const method = more.length > 0 ? "POST" : "GET";
    const request = ["-r", `${method} https://a.example${target}`, ...BROWSER, ...more];
    const { status, out, err } = await stage.waf(
      "explain",
      "--rules",
      LOAD,
      "--paranoia-level",
      level,
      "--json",
      ...request,
    );
    equal(err, "", name);
    const { matches } = JSON.parse(out) as { readonly matches: readonly { readonly id: number }[] };
    const found = matches.map(({ id }) => id);
    if (ids.length === 0) equal(found.join(), "", name);
    for (const id of ids) ok(found.includes(id), `${name}: ${found}`);
    equal(status, found.includes(949110) ? 3 : 0, name);
  }
});

Deno.test(
  { name: "waf: Debian's package looks at responses where a file before it says so", ignore },
  async () => {
    await using stage = await Stage.make({
      "on.conf": "SecResponseBodyAccess On\nSecResponseBodyMimeType text/html\n",
      "leak": "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<p>hi</p><?php echo $secret; ?>",
      "xml": 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<?xml version="1.0"?><p>hi</p>',
    });
    const ask = (response: string) =>
      stage.waf(
        "explain",
        "--rules",
        stage.path("on.conf"),
        "--rules",
        LOAD,
        "-r",
        "GET https://a.example/",
        ...BROWSER,
        "--response",
        stage.path(response),
      );
    const leak = await ask("leak");
    equal(leak.status, 3, leak.err);
    match(leak.out, /^rule 953120 .*phase 4/m);
    match(leak.out, /^verdict {3}block 403 by rule 959100$/m);
    const xml = await ask("xml");
    equal(xml.status, 0, xml.out);
  },
);
