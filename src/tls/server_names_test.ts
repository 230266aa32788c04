import { equal, throws } from "node:assert/strict";
import type { ClientHello } from "./client_hello.ts";
import { chooseCredential, type NamedCredential, type NamedSet, ServerNames } from "./server_names.ts";

interface Labelled extends NamedCredential {
  readonly label: string;
}

const ecdsa = (label: string): Labelled => ({ keyType: "ecdsa", schemes: [0x0403], label });
const rsa = (label: string): Labelled => ({ keyType: "rsa", schemes: [0x0804], label });

function entry(credential: Labelled, names: string[], priorityNames: string[] = []): NamedSet<Labelled> {
  return { names, priorityNames, set: { [credential.keyType]: credential }, label: credential.label };
}

const TABLE = new ServerNames([
  entry(ecdsa("a"), ["a.example", "Shared.Example"]),
  entry(ecdsa("near"), ["*.b.a.example"]),
  entry(ecdsa("far"), ["*.a.example"]),
  entry(ecdsa("first"), [], ["shared.example"]),
]);

const NAMES: readonly { name: string; want: string | undefined }[] = [
  { name: "a.example", want: "a" },
  { name: "A.EXAMPLE.", want: "a" },
  { name: "x.a.example", want: "far" },
  { name: "x.b.a.example", want: "near" },
  { name: "x.y.b.a.example", want: "near" },
  { name: "b.a.example", want: "far" },
  { name: "shared.example", want: "first" },
  { name: "example", want: undefined },
  { name: "xa.example", want: undefined },
  { name: "*.a.example", want: "far" },
  { name: "", want: undefined },
  { name: ".", want: undefined },
  { name: "constructor", want: undefined },
];

for (const { name, want } of NAMES) {
  Deno.test(`server names: ${JSON.stringify(name)}`, () => equal(TABLE.find(name)?.ecdsa?.label, want));
}

Deno.test("server names: who may share a name", () => {
  const pair = new ServerNames([entry(ecdsa("e"), ["a"]), entry(rsa("r"), ["A"])]).find("a");
  equal(pair?.ecdsa?.label, "e");
  equal(pair?.rsa?.label, "r");
  const ambiguous = /Ambiguous SNI configuration: "a" is in e and in f/;
  throws(() => new ServerNames([entry(ecdsa("e"), ["a"]), entry(ecdsa("f"), ["a"])]), ambiguous);
  throws(() => new ServerNames([entry(ecdsa("e"), [], ["a"]), entry(ecdsa("f"), [], ["a"])]), ambiguous);
  const late = new ServerNames([entry(ecdsa("e"), [], ["a"]), entry(ecdsa("f"), ["a"])]);
  equal(late.find("a")?.ecdsa?.label, "e", "priority counts, not order");
});

const HELLO: ClientHello = {
  serverName: null,
  offersTls12: true,
  offersTls13: true,
  cipherSuites: [0x1301],
  signatureSchemes: [0x0403, 0x0804],
  protocols: [],
};

Deno.test("server names: the kind of key that a client can use", () => {
  const both = { ecdsa: ecdsa("e"), rsa: rsa("r") };
  const choice = (change: Partial<ClientHello>) => chooseCredential(both, { ...HELLO, ...change }).label;
  equal(choice({}), "e");
  equal(choice({ signatureSchemes: [0x0804] }), "r");
  equal(choice({ signatureSchemes: [0x0503] }), "r", "another curve");
  equal(choice({ signatureSchemes: [] }), "r");
  equal(choice({ offersTls13: false, cipherSuites: [0xc02f] }), "r");
  equal(choice({ offersTls13: false, cipherSuites: [0xc02f, 0xc02b] }), "e");
  equal(chooseCredential({ ecdsa: both.ecdsa }, { ...HELLO, signatureSchemes: [] }).label, "e");
});
