import { deepEqual, equal, rejects } from "node:assert/strict";
import { type CredentialReader, readCredential } from "./tls_credentials.ts";
import { findTlsEngine } from "./tls_engine.ts";

const CERTS = new URL("../../tests/support/certs/", import.meta.url);
const pem = (name: string) => Deno.readTextFileSync(new URL(name, CERTS));
const [SERVER, CLIENT] = ["server", "client"].map((name) => ({
  cert: pem(`${name}.pem`),
  key: pem(`${name}.key`),
}));

/** A reader of files that say something else each time they are read. */
function reader(files: Readonly<Record<string, readonly string[]>>): CredentialReader & { looks: string[] } {
  const looks: string[] = [];
  return {
    looks,
    engine: findTlsEngine()!,
    rules: {
      minVersion: "TLSv1.2",
      maxVersion: "TLSv1.3",
      requestCert: false,
      rejectUnauthorized: false,
      ca: [],
    },
    readText: (path) => {
      const nth = looks.filter((each) => each === path).length;
      looks.push(path);
      const text = files[path]?.[nth];
      return text === undefined ? Promise.reject(new Error("no such file")) : Promise.resolve(text);
    },
  };
}

Deno.test("credentials: one file with both is read once, so nobody can exchange it in between", async () => {
  const both = reader({ "bundle.pem": [SERVER!.cert + SERVER!.key, CLIENT!.cert + CLIENT!.key] });
  const { names } = await readCredential({ certFile: "bundle.pem", keyFile: "bundle.pem" }, both);
  deepEqual(names, ["server.test"]);
  deepEqual(both.looks, ["bundle.pem"]);
});

const FAILURES: readonly { name: string; files: Record<string, readonly string[]>; want: RegExp }[] = [
  { name: "no certificate", files: { k: [SERVER!.key] }, want: /cannot read c: no such file/ },
  { name: "no key", files: { c: [SERVER!.cert] }, want: /cannot read k: no such file/ },
  { name: "another's key", files: { c: [SERVER!.cert], k: [CLIENT!.key] }, want: /the key in k is not that/ },
  { name: "no PEM", files: { c: ["x"], k: [SERVER!.key] }, want: /c holds no certificate that can be read/ },
  { name: "a key that is none", files: { c: [SERVER!.cert], k: ["x"] }, want: /k holds no private key/ },
  {
    name: "a file that never ends",
    files: { c: ["x".repeat(2_000_000)], k: [SERVER!.key] },
    want: /too large/,
  },
];

for (const { name, files, want } of FAILURES) {
  Deno.test(`credentials: ${name}`, async () => {
    await rejects(readCredential({ certFile: "c", keyFile: "k" }, reader(files)), want);
  });
}

Deno.test("credentials: a key may stand behind its certificate", async () => {
  const given = reader({ c: [SERVER!.cert], k: [SERVER!.cert + SERVER!.key] });
  equal((await readCredential({ certFile: "c", keyFile: "k" }, given)).keyType, "ecdsa");
});
