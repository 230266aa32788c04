import { DerReader, hex, TAG } from "./der.ts";

/** Short names of attribute types (RFC 4514 §3, and what tools write besides). */
const TYPES: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "STREET",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "0.9.2342.19200300.100.1.25": "DC",
  "0.9.2342.19200300.100.1.1": "UID",
  "1.2.840.113549.1.9.1": "emailAddress",
};

const STRING_TAGS: ReadonlySet<number> = new Set([0x0c, 0x12, 0x13, 0x14, 0x16]);

/**
 * A distinguished name as RFC 4514 writes it, the most specific part first. Pure ASCII: other bytes are written
 * as `\XX`, so that it can stand in a header. Throws `DerError` when it is none.
 */
export function nameText(der: Uint8Array): string {
  const sets = new DerReader(der).enter(TAG.sequence);
  const parts: string[] = [];
  while (!sets.isAtEnd) {
    const set = sets.enter(TAG.set);
    const attributes: string[] = [];
    while (!set.isAtEnd) {
      const attribute = set.enter(TAG.sequence);
      const oid = attribute.oid();
      const { tag, content, whole } = attribute.next();
      // What is no text of one octet for a character is shown as it is, after a hash (RFC 4514 §2.4).
      const value = STRING_TAGS.has(tag) ? escaped(content) : `#${hex(whole)}`;
      attributes.push(`${TYPES[oid] ?? oid}=${value}`);
    }
    parts.unshift(attributes.join("+"));
  }
  return parts.join(",");
}

const SPECIAL: ReadonlySet<string> = new Set(['"', "+", ",", ";", "<", ">", "\\", "="]);

function escaped(bytes: Uint8Array): string {
  let text = "";
  bytes.forEach((octet, i) => {
    const character = String.fromCharCode(octet);
    const isEdge = i === 0 || i === bytes.length - 1;
    if (octet < 0x20 || octet >= 0x7f) text += `\\${octet.toString(16).padStart(2, "0")}`;
    else if (SPECIAL.has(character) || (isEdge && character === " ") || (i === 0 && character === "#")) {
      text += `\\${character}`;
    } else text += character;
  });
  return text;
}
