/** PEM texts (RFC 7468). */

import { base64, type Bytes, fromBase64 } from "../bytes.ts";

/** One block of a PEM text. */
export interface PemBlock {
  /** Such as `CERTIFICATE`. */
  readonly label: string;
  readonly bytes: Bytes;
}

/** A block as text, with lines of 64 characters. */
export function pemText(label: string, bytes: Uint8Array): string {
  const lines = base64(bytes).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

/** The blocks of a text, whatever stands between them. Throws when one is broken. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  for (const piece of text.split("-----BEGIN ").slice(1)) {
    const label = piece.slice(0, Math.max(piece.indexOf("-----"), 0));
    const end = piece.indexOf(`-----END ${label}-----`);
    if (label === "" || end < 0) throw new Error("a PEM block without an end");
    const bytes = fromBase64(piece.slice(label.length + 5, end).replace(/\s/g, ""));
    if (bytes === undefined || bytes.length === 0) throw new Error(`a ${label} that is no base64`);
    blocks.push({ label, bytes });
  }
  return blocks;
}
