import assert from "node:assert/strict";
import { CidrSet, isCidr } from "./cidr.ts";

Deno.test("CidrSet: membership by longest and shortest prefixes", () => {
  const set = new CidrSet(["10.0.0.0/8", "192.168.1.7", "2001:db8::/32", "::1"]);
  const cases = [
    { ip: "10.0.0.0", want: true },
    { ip: "10.255.255.255", want: true },
    { ip: "9.255.255.255", want: false },
    { ip: "11.0.0.0", want: false },
    { ip: "192.168.1.7", want: true },
    { ip: "192.168.1.6", want: false },
    { ip: "::ffff:10.1.2.3", want: true },
    { ip: "2001:db8:ffff::1", want: true },
    { ip: "2001:db9::1", want: false },
    { ip: "::1", want: true },
    { ip: "::2", want: false },
    { ip: "", want: false },
    { ip: "example.com", want: false },
  ];
  for (const { ip, want } of cases) assert.equal(set.has(ip), want, ip);
});

Deno.test("CidrSet: everything and nothing", () => {
  assert.equal(new CidrSet([]).has("10.0.0.1"), false);
  assert.equal(new CidrSet([]).isEmpty, true);
  assert.equal(new CidrSet(["0.0.0.0/0"]).has("10.0.0.1"), true);
  assert.equal(new CidrSet(["0.0.0.0/0"]).has("::1"), false);
  assert.equal(new CidrSet(["::/0"]).has("10.0.0.1"), false);
});

Deno.test("isCidr: only full addresses and blocks", () => {
  for (const good of ["10.0.0.1", "10.0.0.0/8", "::1", "fe80::/10"]) assert.equal(isCidr(good), true, good);
  for (const bad of ["", "10.1", "1", "10.0.0.0/33", "10.0.0.0/", "x", "10.0.0.1/8/8"]) {
    assert.equal(isCidr(bad), false, bad);
  }
});
