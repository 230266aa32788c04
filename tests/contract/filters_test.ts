/** What every filter owes the chain; loops over the registry, so a new row is under test at once. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Filter, FilterDeps, Verdict } from "../../src/filters/filter.ts";
import { FILTERS, UNAVAILABLE_FILTERS } from "../../src/filters/registry.ts";
import type { Kind } from "../../src/core/kind.ts";
import type { HeaderList } from "../../src/core/headers.ts";
import {
  filterDeps,
  optionsOf,
  plainResponse,
  readFilter,
  requestContext,
  type RequestInit,
} from "../support/filter_fixture.ts";

/** Options for each kind: all that a user would write. A new row needs one. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  agent: [`agent "waf"\nphase "request"`],
  "client-certificate": ["", `subjects "CN=a"\nnames "DNS:a.test"\nfingerprints "${"AB:".repeat(31)}AB"`],
  cors: ["", `allowed-origins "https://a.test"\nallow-credentials #true`],
  headers: [`phase "both"\nset { X-A "1" }\nadd { X-B "2" }\nremove "X-C"\nrename { X-D "X-E" }`],
  hsts: ["", `max-age-secs 31536000\ninclude-subdomains #true\npreload #true`],
  log: ["", `level "debug"\nfields "status" "query"`],
  "rate-limit": ["", `max-rps 1\nburst 1\non-limit "log-only"`, `key "header:X-Key"`],
  redirect: [`scheme "https"\nstatus-code 301`, `replace-prefix-match "/n"`],
  timeout: ["request-timeout-secs 1"],
  "url-rewrite": [`hostname "b.test"`, `replace-prefix-match "/n"`],
};

const REQUESTS: readonly RequestInit[] = [
  {},
  { method: "HEAD", target: "/" },
  { method: "OPTIONS", target: "*", authority: "" },
  { method: "POST", target: "/x?", authority: "[::1]:80", route: null },
  { method: "OPTIONS", headers: [["Origin", "https://a.test"], ["Access-Control-Request-Method", "GET"]] },
  { target: "/%61/../b?c=%00&d", headers: [["Origin", "\u00ff\u0001"], ["X-Key", ""], ["x-d", "1"]] },
  { method: "BREW", target: `/${"a".repeat(4000)}`, pathPrefixes: ["/a", "/"] },
];

type AnyKind = Kind<string, unknown, FilterDeps, Filter>;

function assertHeaders(headers: HeaderList): void {
  for (let i = 0; i < headers.size; i++) {
    const name = headers.nameAt(i);
    assert.match(name, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/);
    assert.equal(headers.keyAt(i), name.toLowerCase());
    // deno-lint-ignore no-control-regex
    assert.doesNotMatch(headers.valueAt(i), /[\r\n\x00]/);
  }
}

function assertAnswer(verdict: Verdict): void {
  if (verdict === undefined) return;
  assert.match(verdict.reason, /^[a-z]+(?:_[a-z]+)*$/, "reasons are metric labels");
  assert.ok(verdict.response.status >= 200 && verdict.response.status <= 599);
  assertHeaders(verdict.response.headers);
  verdict.response.body?.cancel();
}

async function exercise(kind: AnyKind, body: string): Promise<void> {
  const options = optionsOf(kind, body);
  const bytes = kind.sharedBytes?.(options);
  const shared = bytes === undefined ? undefined : new SharedArrayBuffer(bytes);
  const filters = [kind.create(options, filterDeps(shared)), kind.create(options, filterDeps(shared))];
  assert.notEqual(filters[0], filters[1], "each route has its own");
  for (const filter of filters) {
    for (const init of REQUESTS) {
      const context = requestContext(init);
      const verdict = await filter.onRequest?.(context);
      assertAnswer(verdict);
      assertHeaders(context.head.headers);
      assert.match(context.head.target, /^(?:\/[^\s]*|\*)$/);
      const response = verdict?.response ?? plainResponse([["Vary", "Accept"], ["x-c", "1"]], 502);
      await filter.onResponse?.(context, response);
      assertHeaders(response.headers);
      filter.onEnd?.(context);
    }
    filter.dispose?.();
    filter.dispose?.();
  }
}

for (const row of FILTERS) {
  const kind = row as unknown as AnyKind;
  Deno.test(`filter "${kind.type}"`, async (t) => {
    await t.step("is named after its file and says what it does", () => {
      assert.match(kind.type, /^[a-z]+(?:-[a-z]+)*$/);
      const file = new URL(`../../src/filters/${kind.type.replaceAll("-", "_")}.ts`, import.meta.url);
      assert.ok(readFileSync(file, "utf8").includes(`type: "${kind.type}"`));
      assert.match(kind.summary, /^[A-Z].*\.$/);
    });
    await t.step("declares options with summaries", () => {
      assert.equal(kind.options.shape.type, "block");
      if (kind.options.shape.type !== "block") return;
      for (const [name, field] of Object.entries(kind.options.shape.fields)) {
        assert.match(field.summary, /\.$/, name);
      }
    });
    await t.step("refuses what it does not know", () => {
      const { problems } = readFilter(kind, "no-such-option 1");
      assert.ok(problems.some((problem) => problem.includes(`unknown name "no-such-option"`)));
    });
    await t.step("has examples that load", () => {
      assert.ok((EXAMPLES[kind.type] ?? []).length > 0, "add one to EXAMPLES");
      for (const body of EXAMPLES[kind.type]!) assert.deepEqual(readFilter(kind, body).problems, []);
    });
    for (const body of EXAMPLES[kind.type] ?? []) {
      await t.step(`keeps messages well-formed with ${JSON.stringify(body)}`, () => exercise(kind, body));
    }
  });
}

Deno.test("filter types are unique, aliases and unavailable ones included", () => {
  const words = FILTERS.flatMap((kind: { type: string; aliases?: readonly string[] }) => [
    kind.type,
    ...kind.aliases ?? [],
  ]);
  const all = [
    ...words,
    ...Object.entries(UNAVAILABLE_FILTERS).flatMap(([word, others]) => [word, ...others]),
  ];
  assert.equal(new Set(all).size, all.length);
});
