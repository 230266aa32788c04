import { deepEqual, equal, match, throws } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { parseCertificate } from "./certificate.ts";
import { DerError, DerReader, TAG } from "./der.ts";
import { nameText } from "./distinguished_name.ts";

const certificate = (name: string) => {
  const pem = Deno.readTextFileSync(new URL(`../../tests/support/certs/${name}.pem`, import.meta.url));
  const base64 = pem.replace(/-----[^-]+-----|\s/g, "");
  return Uint8Array.from(atob(base64), (unit) => unit.charCodeAt(0));
};

const tlv = (tag: number, content: readonly number[]) => [tag, content.length, ...content];
const utf8 = (text: string) => [...new TextEncoder().encode(text)];

/** A name with one attribute in each set. */
function name(
  ...attributes: readonly (readonly [oid: readonly number[], tag: number, text: string])[]
): Uint8Array {
  const sets = attributes.flatMap(([oid, tag, text]) =>
    tlv(TAG.set, tlv(TAG.sequence, [...tlv(TAG.oid, oid), ...tlv(tag, utf8(text))]))
  );
  return Uint8Array.from(tlv(TAG.sequence, sets));
}

const CN = [0x55, 4, 3];
const O = [0x55, 4, 10];

Deno.test("certificate: one that openssl made", () => {
  const server = parseCertificate(certificate("server"));
  const authority = parseCertificate(certificate("ca"));
  deepEqual(server.issuerDer, authority.subjectDer);
  equal(server.isAuthority, false);
  equal(authority.isAuthority, true);
  equal(server.hasUnknownCritical, false);
  match(server.serial, /^[0-9a-f]+$/);
  equal(server.notAfterMs > server.notBeforeMs, true);
  equal(server.names.some((each) => each.startsWith("DNS:")), true, server.names.join());
});

const NAMES: readonly { name: string; der: Uint8Array; want: string }[] = [
  { name: "most specific first", der: name([O, 0x0c, "Example"], [CN, 0x0c, "a"]), want: "CN=a,O=Example" },
  {
    name: "specials",
    der: name([CN, 0x0c, ' #a,b+"c"\\<d>;= ']),
    want: 'CN=\\ #a\\,b\\+\\"c\\"\\\\\\<d\\>\\;\\=\\ ',
  },
  { name: "a hash", der: name([CN, 0x13, "#a"]), want: "CN=\\#a" },
  { name: "lines", der: name([CN, 0x0c, "a\r\nX: y"]), want: "CN=a\\0d\\0aX: y" },
  { name: "letters", der: name([CN, 0x0c, "ü"]), want: "CN=\\c3\\bc" },
  { name: "two octets for a character", der: name([CN, 0x1e, "\0a"]), want: "CN=#1e020061" },
  { name: "unknown type", der: name([[0x2a, 3, 0x81, 4], 0x0c, "v"]), want: "1.2.3.132=v" },
  { name: "empty", der: Uint8Array.of(0x30, 0), want: "" },
];

for (const { name, der, want } of NAMES) {
  Deno.test(`distinguished name: ${name}`, () => equal(nameText(der), want));
}

Deno.test("DER: what is none", () => {
  const bad: readonly (readonly number[])[] = [
    [],
    [0x30],
    [0x30, 1],
    [0x30, 0x80, 0, 0],
    [0x30, 0x81, 1, 0],
    [0x30, 0x84, 0, 0, 0, 0],
    [0x1f, 0x81, 0],
  ];
  for (const bytes of bad) throws(() => new DerReader(Uint8Array.from(bytes)).next(), DerError, bytes.join());
});

Deno.test("DER: times", () => {
  const time = (tag: number, text: string) => new DerReader(Uint8Array.from(tlv(tag, utf8(text)))).time();
  equal(time(TAG.utcTime, "491231235959Z"), Date.UTC(2049, 11, 31, 23, 59, 59));
  equal(time(TAG.utcTime, "500101000000Z"), Date.UTC(1950, 0, 1));
  equal(time(TAG.generalizedTime, "20500101000000Z"), Date.UTC(2050, 0, 1));
  for (const text of ["5001010000Z", "500101000000+0100", "50010100000Z"]) {
    throws(() => time(TAG.utcTime, text), DerError, text);
  }
});

Deno.test("certificate: any bytes are read or refused", () => {
  const base = certificate("client");
  const changes = fc.array(fc.tuple(fc.nat(base.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(changes, (list) => {
      const bytes = base.slice();
      for (const [at, value] of list) bytes[at] = value;
      try {
        const { subject, names, issuer } = parseCertificate(bytes);
        equal(/^[\x20-\x7e]*$/.test(subject + issuer + names.join()), true, "it can stand in a header");
      } catch (cause) {
        if (!(cause instanceof DerError)) throw cause;
      }
    }),
    { numRuns: 3000 },
  );
});
