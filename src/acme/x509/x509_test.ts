import { deepEqual, equal, match, rejects, throws } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { hasCommand } from "../../../tests/support/servers.ts";
import { readCertificate, readChain } from "./certificate.ts";
import { readDer } from "./der_reader.ts";
import { integer, oid, sequence, tagged, time } from "./der_writer.ts";
import { oidText, timeMs } from "./der_reader.ts";
import { hex } from "../bytes.ts";
import { KEY_TYPES, type KeyType, SigningKey } from "./key.ts";
import { pemBlocks, pemText } from "./pem.ts";
import { certificateRequest, selfSigned } from "./request.ts";

const DAY_MS = 86_400_000;
const NAMES = ["example.org", "www.example.org", "*.example.org"];
const WALL_MS = Date.UTC(2026, 5, 1);

async function openssl(args: readonly string[], input: string | Uint8Array): Promise<string> {
  const child = new Deno.Command("openssl", {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  })
    .spawn();
  const writer = child.stdin.getWriter();
  await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
  await writer.close();
  const { stdout, stderr } = await child.output();
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

Deno.test("der: what is written is what the standard's examples say, and is read back", () => {
  equal(hex(integer(Uint8Array.of(0))), "020100");
  equal(hex(integer(Uint8Array.of(0, 0, 0x7f))), "02017f");
  equal(hex(integer(Uint8Array.of(0x80))), "02020080");
  equal(hex(oid("1.2.840.113549")), "06062a864886f70d");
  equal(oidText(readDer(oid("2.5.29.17"))), "2.5.29.17");
  equal(oidText(readDer(oid("1.3.6.1.5.5.7.3.1"))), "1.3.6.1.5.5.7.3.1");
  for (const size of [0, 127, 128, 255, 256, 65_535, 65_536]) {
    equal(readDer(tagged(0x04, new Uint8Array(size))).contents.length, size, `${size}`);
  }
  for (const ms of [WALL_MS, Date.UTC(2049, 11, 31, 23, 59, 59), Date.UTC(2050, 0, 1)]) {
    equal(timeMs(readDer(time(ms))), ms);
  }
});

Deno.test("der: cut off, too long and odd values are refused", () => {
  const whole = sequence(integer(Uint8Array.of(5)));
  for (let length = 0; length < whole.length; length++) throws(() => readDer(whole.subarray(0, length)));
  throws(() => readDer(Uint8Array.of(...whole, 0)), /follows/);
  throws(() => readDer(Uint8Array.of(0x30, 0x80, 0, 0)), /unknown form/);
  throws(() => readDer(Uint8Array.of(0x1f, 1, 0)), /tag/);
});

Deno.test("pem: blocks are read whatever is between them, and broken ones are refused", () => {
  const text = `a comment\n${pemText("CERTIFICATE", Uint8Array.of(1, 2, 3))}\n${
    pemText("X", Uint8Array.of(4))
  }`;
  deepEqual(pemBlocks(text).map(({ label, bytes }) => [label, [...bytes]]), [["CERTIFICATE", [1, 2, 3]], [
    "X",
    [4],
  ]]);
  throws(() => pemBlocks(text.slice(0, text.length - 12)), /without an end/);
  throws(() => pemBlocks(text.replace("AQID", "A!ID")), /no base64/);
});

for (const type of Object.keys(KEY_TYPES) as KeyType[]) {
  Deno.test(`${type}: a stand-in certificate is one for everybody else too`, async () => {
    const key = await SigningKey.generate(type);
    const pem = await selfSigned({
      key,
      domains: NAMES,
      issuer: "Sentinel stand-in",
      wallMs: WALL_MS,
      lifetimeMs: 90 * DAY_MS,
      serial: new Uint8Array(16),
    });
    const theirs = new X509Certificate(pem);
    equal(theirs.verify(theirs.publicKey), true);
    equal(theirs.subjectAltName, NAMES.map((name) => `DNS:${name}`).join(", "));
    equal(theirs.checkHost("www.example.org"), "www.example.org");
    equal(theirs.ca, false);
    equal(new Date(theirs.validTo).getTime(), WALL_MS + 90 * DAY_MS);
    const ours = readChain(pem);
    deepEqual(ours.domains, NAMES);
    equal(ours.issuer, "Sentinel stand-in");
    equal(ours.notAfterMs, WALL_MS + 90 * DAY_MS);
    equal(ours.isSelfIssued, true);
    deepEqual(ours.publicInfo, await key.publicInfo());
    const again = await SigningKey.fromPem(await key.pem());
    equal(again.type, type);
    deepEqual(await again.publicInfo(), await key.publicInfo());
  });

  Deno.test({
    name: `${type}: openssl verifies a request and reads its names`,
    ignore: !hasCommand("openssl"),
    fn: async () => {
      const key = await SigningKey.generate(type);
      const request = pemText("CERTIFICATE REQUEST", await certificateRequest(key, NAMES));
      const said = await openssl(["req", "-verify", "-noout", "-text"], request);
      match(said, /verify OK/i);
      match(said, /DNS:example.org, DNS:www.example.org, DNS:\*.example.org/);
      match(said, /CN ?= ?example.org/);
    },
  });
}

Deno.test("request: a name too long for a common name is an alternative name alone", async () => {
  const long = `${"a".repeat(60)}.example.org`;
  const der = await certificateRequest(await SigningKey.generate("ecdsa-p256"), [long]);
  equal(new TextDecoder().decode(der).split(long).length - 1, 1);
});

Deno.test("certificate: every cut and every flipped byte is read or refused, never a crash", async () => {
  const key = await SigningKey.generate("ecdsa-p256");
  const pem = await selfSigned({
    key,
    domains: NAMES,
    issuer: "x",
    wallMs: WALL_MS,
    lifetimeMs: DAY_MS,
    serial: new Uint8Array(16),
  });
  const der = pemBlocks(pem)[0]!.bytes;
  for (let at = 0; at < der.length; at++) {
    throws(() => readCertificate(der.subarray(0, at)), Error);
    const flipped = Uint8Array.from(der);
    flipped[at]! ^= 0x80;
    try {
      readCertificate(flipped);
    } catch (cause) {
      equal(cause instanceof TypeError, false, `byte ${at}: ${cause}`);
    }
  }
});

Deno.test("key: what is no key is refused", async () => {
  await rejects(SigningKey.fromPem("nothing"), /no PRIVATE KEY/);
  await rejects(SigningKey.fromPem(pemText("PRIVATE KEY", Uint8Array.of(0x30, 0))), /no known type/);
});
