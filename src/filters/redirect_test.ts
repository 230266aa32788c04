import assert from "node:assert/strict";
import {
  filterDeps,
  optionsOf,
  readFilter,
  requestContext,
  type RequestInit,
} from "../../tests/support/filter_fixture.ts";
import type { Answer } from "./filter.ts";
import { redirect } from "./redirect.ts";

const CASES: readonly { name: string; body: string; request?: RequestInit; want: string; status?: number }[] =
  [
    { name: "only the scheme", body: `scheme "https"`, want: "https://www.example/a?b=c" },
    {
      name: "another scheme drops the port",
      body: `scheme "https"`,
      request: { authority: "www.example:8080" },
      want: "https://www.example/a?b=c",
    },
    {
      name: "the same place keeps the port",
      body: `replace-full-path "/new"`,
      request: { authority: "www.example:8080", target: "/old" },
      want: "http://www.example:8080/new",
    },
    {
      name: "the scheme of the connection",
      body: `hostname "b.example"`,
      request: { scheme: "https" },
      want: "https://b.example/a?b=c",
    },
    { name: "a port of its own", body: `port 8443\nscheme "https"`, want: "https://www.example:8443/a?b=c" },
    { name: "port 443 is https", body: `port 443\nscheme "https"`, want: "https://www.example/a?b=c" },
    {
      name: "port 80 is http",
      body: "port 80",
      request: { authority: "www.example:81" },
      want: "http://www.example/a?b=c",
    },
    { name: "port 443 is not http", body: "port 443", want: "http://www.example:443/a?b=c" },
    {
      name: "IPv6",
      body: `scheme "https"`,
      request: { authority: "[::1]:8080" },
      want: "https://[::1]/a?b=c",
    },
    {
      name: "IPv6 without port",
      body: `replace-full-path "/x"`,
      request: { authority: "[::1]" },
      want: "http://[::1]/x?b=c",
    },
    { name: "status", body: `hostname "b"\nstatus-code 308`, want: "http://b/a?b=c", status: 308 },
    {
      name: "a prefix",
      body: `replace-prefix-match "/new/"`,
      request: { target: "/old/x?y=%20", pathPrefixes: ["/old", "/"] },
      want: "http://www.example/new/x?y=%20",
    },
    {
      name: "HTTP/1.0 without a host",
      body: `replace-full-path "/new"`,
      request: { authority: "" },
      want: "/new?b=c",
    },
    {
      name: "no host and a path that looks like one",
      body: `port 8080`,
      request: { authority: "", target: "//evil.example/x" },
      want: "/evil.example/x",
    },
    {
      name: "OPTIONS *",
      body: `scheme "https"`,
      request: { target: "*", method: "OPTIONS" },
      want: "https://www.example",
    },
  ];

Deno.test("where clients are sent", async (t) => {
  for (const { name, body, request, want, status = 302 } of CASES) {
    await t.step(name, () => {
      const filter = redirect.create(optionsOf(redirect, body), filterDeps());
      const answer = filter.onRequest!(requestContext(request)) as Answer;
      assert.equal(answer.response.status, status);
      assert.equal(answer.response.headers.get("location"), want);
      assert.equal(answer.reason, "redirected");
      assert.equal(answer.response.body, null);
    });
  }
});

Deno.test("what a redirect filter refuses", async (t) => {
  const cases = [
    { body: "status-code 301", want: /where they are/ },
    { body: "status-code 304", want: /304 is no redirect/ },
    { body: "status-code 300", want: /from 301 to 308/ },
    { body: "status-code 309", want: /from 301 to 308/ },
    { body: "port 0", want: /from 1 to 65535/ },
    { body: "port 65536", want: /from 1 to 65535/ },
    { body: `hostname "a:80"`, want: /host without port/ },
    { body: `hostname "a/b"`, want: /host without port/ },
    { body: `scheme "ftp"`, want: /one of "http", "https"/ },
    { body: `replace-full-path "x"`, want: /must start with/ },
    { body: `replace-full-path "/x?y"`, want: /without query/ },
    { body: `replace-full-path "/x\\r\\nSet-Cookie:a"`, want: /URL characters/ },
    { body: `replace-full-path "/x"\nreplace-prefix-match "/y"`, want: /exclude each other/ },
  ];
  for (const { body, want } of cases) {
    await t.step(body, () => assert.match(readFilter(redirect, body).problems.join("\n"), want));
  }
});
