import assert from "node:assert/strict";
import { parseHeaderArgument, parseRequestArgument } from "./request_argument.ts";

Deno.test("request argument: method, scheme, authority and raw target", () => {
  const cases: { name: string; input: string; want: unknown }[] = [
    {
      name: "full",
      input: "GET https://a.example/x",
      want: { method: "GET", scheme: "https", authority: "a.example", target: "/x" },
    },
    {
      name: "URL alone",
      input: "http://a.example:8080",
      want: { method: "GET", scheme: "http", authority: "a.example:8080", target: "/" },
    },
    {
      name: "query without path",
      input: "PURGE http://h?a=b",
      want: { method: "PURGE", scheme: "http", authority: "h", target: "/?a=b" },
    },
    {
      name: "dot segments and escapes stay",
      input: "DELETE http://[::1]:80/a/../b%2f?x=%20#frag",
      want: { method: "DELETE", scheme: "http", authority: "[::1]:80", target: "/a/../b%2f?x=%20" },
    },
    { name: "no URL", input: "GET /x", want: 'expects a URL such as "https://a.example/x", found "/x"' },
    { name: "empty", input: "  ", want: 'expects "METHOD URL", found "  "' },
    { name: "too many words", input: "GET http://a b", want: 'expects "METHOD URL", found "GET http://a b"' },
    { name: "no method", input: "G(T http://a", want: '"G(T" is no method' },
    { name: "user info", input: "http://u@h/", want: "the URL must not hold a user name or password" },
  ];
  for (const { name, input, want } of cases) assert.deepEqual(parseRequestArgument(input), want, name);
});

Deno.test("header argument: name and trimmed value", () => {
  const cases: { name: string; input: string; want: unknown }[] = [
    { name: "plain", input: "X-A: b", want: ["X-A", "b"] },
    { name: "colons in the value", input: "Host:a:80", want: ["Host", "a:80"] },
    { name: "empty value", input: "X:", want: ["X", ""] },
    { name: "no colon", input: "X", want: 'expects "Name: value", found "X"' },
    { name: "no name", input: ": v", want: 'expects "Name: value", found ": v"' },
    { name: "a line break", input: "X: a\r\nY: b", want: "the value of X holds control characters" },
  ];
  for (const { name, input, want } of cases) assert.deepEqual(parseHeaderArgument(input), want, name);
});
