import { equal } from "node:assert/strict";
import { connectTargetOf, connectTargetProblem, ConnectTargets } from "./connect_targets.ts";

const TARGETS = new ConnectTargets([
  "Example.com:443",
  "*.example.org:443",
  "10.0.0.5:8443",
  "[fd00::5]:443",
]);

const ALLOWED: readonly (readonly [authority: string, want: boolean])[] = [
  ["example.com:443", true],
  ["EXAMPLE.COM:443", true],
  ["example.com.:443", true],
  ["example.com:80", false],
  ["www.example.com:443", false],
  ["a.example.org:443", true],
  ["a.b.example.org:443", true],
  ["example.org:443", false],
  [".example.org:443", false],
  ["badexample.org:443", false],
  ["a.example.org:4430", false],
  ["10.0.0.5:8443", true],
  ["[::ffff:10.0.0.5]:8443", true],
  ["10.0.0.5:443", false],
  ["10.0.0.05:8443", false],
  ["[FD00:0::5]:443", true],
  ["[fd00::6]:443", false],
  ["127.1:443", false],
];

for (const [authority, want] of ALLOWED) {
  Deno.test(`CONNECT to ${authority} is ${want ? "allowed" : "refused"}`, () => {
    equal(TARGETS.allows(connectTargetOf(authority)), want);
  });
}

Deno.test("private addresses must be listed themselves", () => {
  equal(TARGETS.mayConnect("1.1.1.1", 443), true);
  equal(TARGETS.mayConnect("127.0.0.1", 443), false);
  equal(TARGETS.mayConnect("10.0.0.5", 8443), true);
  equal(TARGETS.mayConnect("10.0.0.5", 443), false);
  equal(TARGETS.mayConnect("::ffff:10.0.0.6", 8443), false);
});

const PROBLEMS: readonly (readonly [entry: string, isWrong: boolean])[] = [
  ["example.com:443", false],
  ["*.example.com:443", false],
  ["[::1]:443", false],
  ["example.com", true],
  ["example.com:0", true],
  ["*:443", true],
  ["*.:443", true],
  ["*.10.0.0.1:443", true],
  ["a.*.example.com:443", true],
  ["localhost:443", true],
  ["*.localhost:443", true],
  ["unix:/run/a", true],
  ["http://example.com:443", true],
];

for (const [entry, isWrong] of PROBLEMS) {
  Deno.test(`"${entry}" ${isWrong ? "cannot" : "can"} be listed`, () => {
    equal(connectTargetProblem(entry) !== undefined, isWrong);
  });
}
