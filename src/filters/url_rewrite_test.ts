import assert from "node:assert/strict";
import {
  filterDeps,
  optionsOf,
  readFilter,
  requestContext,
  type RequestInit,
} from "../../tests/support/filter_fixture.ts";
import { urlRewrite } from "./url_rewrite.ts";

const CASES: readonly { name: string; body: string; request: RequestInit; want: string }[] = [
  {
    name: "full path keeps the raw query",
    body: `replace-full-path "/x"`,
    request: { target: "/a?q=%2F&r=+" },
    want: "/x?q=%2F&r=+",
  },
  { name: "an empty query stays", body: `replace-full-path "/x"`, request: { target: "/a?" }, want: "/x?" },
  { name: "no query", body: `replace-full-path "/x"`, request: { target: "/a" }, want: "/x" },
  {
    name: "prefix",
    body: `replace-prefix-match "/v2"`,
    request: { target: "/api/users?x=1", pathPrefixes: ["/api"] },
    want: "/v2/users?x=1",
  },
  {
    name: "the longest prefix that the path is under",
    body: `replace-prefix-match "/n"`,
    request: { target: "/api/v1x/u", pathPrefixes: ["/api/v1", "/api", "/"] },
    want: "/n/v1x/u",
  },
  {
    name: "nothing behind the prefix",
    body: `replace-prefix-match "/n"`,
    request: { target: "/api", pathPrefixes: ["/api"] },
    want: "/n/",
  },
  {
    name: "a slash behind the prefix",
    body: `replace-prefix-match "/n"`,
    request: { target: "/api/", pathPrefixes: ["/api"] },
    want: "/n/",
  },
  {
    name: "stripping",
    body: `replace-prefix-match "/"`,
    request: { target: "/api/u", pathPrefixes: ["/api"] },
    want: "/u",
  },
  {
    name: "stripping all",
    body: `replace-prefix-match "/"`,
    request: { target: "/api", pathPrefixes: ["/api"] },
    want: "/",
  },
  {
    name: "a prefix that ends in a slash",
    body: `replace-prefix-match "/n"`,
    request: { target: "/api/u", pathPrefixes: ["/api/"] },
    want: "/n/u",
  },
  {
    name: "no prefix stands for the root",
    body: `replace-prefix-match "/n"`,
    request: { target: "/a/b" },
    want: "/n/a/b",
  },
  {
    name: "escapes behind the prefix stay",
    body: `replace-prefix-match "/n"`,
    request: { target: "/api/%61%20", path: "/api/a%20", pathPrefixes: ["/api"] },
    want: "/n/%61%20",
  },
  {
    name: "a prefix written with escapes",
    body: `replace-prefix-match "/n"`,
    request: { target: "/%61pi/x", path: "/api/x", pathPrefixes: ["/api"] },
    want: "/n/x",
  },
  {
    name: "OPTIONS *",
    body: `replace-full-path "/x"`,
    request: { method: "OPTIONS", target: "*" },
    want: "*",
  },
];

Deno.test("what the upstream is asked for", async (t) => {
  for (const { name, body, request, want } of CASES) {
    await t.step(name, () => {
      const context = requestContext(request);
      assert.equal(
        urlRewrite.create(optionsOf(urlRewrite, body), filterDeps()).onRequest!(context),
        undefined,
      );
      assert.equal(context.head.target, want);
    });
  }
});

Deno.test("the hostname changes the authority and nothing else", () => {
  const context = requestContext();
  urlRewrite.create(optionsOf(urlRewrite, `hostname "b.internal:81"`), filterDeps()).onRequest!(context);
  assert.equal(context.head.authority, "b.internal:81");
  assert.equal(context.head.host, "www.example");
  assert.equal(context.head.target, "/a?b=c");
});

Deno.test("what a url-rewrite filter refuses", () => {
  assert.match(readFilter(urlRewrite, "").problems.join(), /changes nothing/);
  assert.match(readFilter(urlRewrite, `hostname "a b"`).problems.join(), /must be a host/);
  assert.match(
    readFilter(urlRewrite, `replace-full-path "/a"\nreplace-prefix-match "/b"`).problems.join(),
    /exclude/,
  );
});
