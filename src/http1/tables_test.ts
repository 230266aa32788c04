import assert from "node:assert/strict";
import { commonName } from "./tables.ts";

const octets = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

function spelled(text: string): string | undefined {
  const padded = octets(`--${text}--`);
  const found = commonName(padded, 2, 2 + text.length);
  return found === undefined ? undefined : `${found.name}|${found.key}`;
}

Deno.test("commonName: usual and lower-case spellings are known, others and mixtures are not", () => {
  for (const name of ["Host", "Content-Type", "X-Forwarded-For", "ETag", "WWW-Authenticate", "Upgrade"]) {
    assert.equal(spelled(name), `${name}|${name.toLowerCase()}`);
    assert.equal(spelled(name.toLowerCase()), `${name}|${name.toLowerCase()}`);
    assert.equal(spelled(name.toUpperCase() + "-"), undefined);
  }
  for (const other of ["HOST", "hOst", "Hosts", "Content-type", "content-Type", "X", "X-Unheard-Of"]) {
    assert.equal(spelled(other), undefined, other);
  }
});
