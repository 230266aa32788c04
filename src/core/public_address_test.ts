import { equal } from "node:assert/strict";
import { isPublicAddress, normalisedAddress } from "./public_address.ts";

const CASES: readonly (readonly [ip: string, isPublic: boolean])[] = [
  ["1.1.1.1", true],
  ["2606:4700::1111", true],
  ["127.0.0.1", false],
  ["::ffff:127.0.0.1", false],
  ["::ffff:1.1.1.1", true],
  ["10.0.0.5", false],
  ["172.16.0.1", false],
  ["192.168.1.1", false],
  ["169.254.169.254", false],
  ["100.64.0.1", false],
  ["0.0.0.0", false],
  ["224.0.0.1", false],
  ["255.255.255.255", false],
  ["::", false],
  ["::1", false],
  ["fe80::1", false],
  ["fd00::1", false],
  ["64:ff9b::a00:1", false],
  ["2002:a00:1::", false],
  ["4000::1", false],
  ["example.com", false],
  ["", false],
];

for (const [ip, want] of CASES) {
  Deno.test(`"${ip}" is ${want ? "" : "not "}public`, () => equal(isPublicAddress(ip), want));
}

Deno.test("spellings of one address are normalised", () => {
  equal(normalisedAddress("::FFFF:10.0.0.1"), "10.0.0.1");
  equal(normalisedAddress("2001:DB8:0::1"), normalisedAddress("2001:db8::1"));
  equal(normalisedAddress("nothing"), undefined);
});
