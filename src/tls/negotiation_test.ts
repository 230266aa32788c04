import { equal } from "node:assert/strict";
import type { ClientHello } from "./client_hello.ts";
import { CIPHER_SUITES, cipherSuiteNamed, type KeyType } from "./cipher_suites.ts";
import { type NegotiationRules, refusalOf } from "./negotiation.ts";

const HELLO: ClientHello = {
  serverName: null,
  offersTls12: true,
  offersTls13: true,
  cipherSuites: [0x0a0a, 0x1302, 0x1301, 0xc02b, 0xc02f, 0x009c],
  signatureSchemes: [],
  protocols: [],
};
const RULES: NegotiationRules = { allowsTls12: true, allowsTls13: true, cipherSuites: null };
const ONLY_12 = { ...RULES, allowsTls13: false };

const CASES: readonly {
  name: string;
  hello?: Partial<ClientHello>;
  rules?: Partial<NegotiationRules>;
  keyType?: KeyType;
  want?: string;
}[] = [
  { name: "everything" },
  { name: "1.2 client", hello: { offersTls13: false } },
  { name: "1.2 server", rules: ONLY_12 },
  {
    name: "1.3 server, 1.2 client",
    hello: { offersTls13: false },
    rules: { allowsTls12: false },
    want: "version",
  },
  { name: "1.2 server, 1.3 client", hello: { offersTls12: false }, rules: ONLY_12, want: "version" },
  { name: "neither", hello: { offersTls12: false, offersTls13: false }, want: "version" },
  { name: "no suite of 1.3", hello: { cipherSuites: [0xc02b] }, want: "cipher" },
  { name: "no suite of 1.2", hello: { cipherSuites: [0x1301] }, rules: ONLY_12, want: "cipher" },
  { name: "no forward secrecy", hello: { cipherSuites: [0x009c, 0x002f] }, rules: ONLY_12, want: "cipher" },
  {
    name: "suites of another key",
    hello: { cipherSuites: [0xc02b] },
    rules: ONLY_12,
    keyType: "rsa",
    want: "cipher",
  },
  { name: "first choice allowed", rules: { cipherSuites: new Set([0x1302]) } },
  { name: "first choice not allowed", rules: { cipherSuites: new Set([0x1301]) }, want: "cipher" },
  { name: "only the fitting count", rules: { ...ONLY_12, cipherSuites: new Set([0xc02f]) }, keyType: "rsa" },
  { name: "not allowed with 1.2", rules: { ...ONLY_12, cipherSuites: new Set([0xc02f]) }, want: "cipher" },
];

for (const { name, hello, rules, keyType = "ecdsa", want } of CASES) {
  Deno.test(`negotiation: ${name}`, () => {
    equal(refusalOf({ ...HELLO, ...hello }, { ...RULES, ...rules }, keyType)?.failure, want);
  });
}

Deno.test("cipher suites: every spelling", () => {
  for (const suite of CIPHER_SUITES) {
    equal(cipherSuiteNamed(suite.name.toLowerCase().replaceAll("_", "-")), suite);
  }
  equal(cipherSuiteNamed("TLS_RSA_WITH_AES_128_CBC_SHA"), undefined);
});
