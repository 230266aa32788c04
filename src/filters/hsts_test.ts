import { deepEqual } from "node:assert/strict";
import {
  filterDeps,
  optionsOf,
  plainResponse,
  readFilter,
  requestContext,
} from "../../tests/support/filter_fixture.ts";
import { hsts } from "./hsts.ts";

function added(body: string, scheme: "http" | "https"): (readonly [string, string])[] {
  const response = plainResponse([["strict-transport-security", "max-age=1"]]);
  hsts.create(optionsOf(hsts, body), filterDeps()).onResponse!(requestContext({ scheme }), response);
  return [...response.headers];
}

const CASES = [
  { name: "a year by default", body: "", want: "max-age=31536000" },
  { name: "forget", body: "max-age-secs 0", want: "max-age=0" },
  {
    name: "all",
    body: "include-subdomains #true\npreload #true",
    want: "max-age=31536000; includeSubDomains; preload",
  },
];

for (const { name, body, want } of CASES) {
  Deno.test(`hsts: ${name}`, () => {
    deepEqual(added(body, "https").map(([, value]) => value), [want]);
    deepEqual(
      added(body, "http"),
      [["strict-transport-security", "max-age=1"]],
      "plain answers stay as they are",
    );
  });
}

Deno.test("hsts: preload without what it needs", () => {
  const problem = ['"preload" needs include-subdomains #true and max-age-secs of a year at least'];
  for (const body of ["preload #true", "preload #true\ninclude-subdomains #true\nmax-age-secs 31535999"]) {
    deepEqual(readFilter(hsts, body).problems, problem);
  }
});
