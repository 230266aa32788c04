/** A configured text as it stands on the wire: UTF-8 bytes, one UTF-16 unit each, as in `HeaderList` values. */
export function wireText(text: string): string {
  let wire = "";
  for (const byte of new TextEncoder().encode(text)) wire += String.fromCharCode(byte);
  return wire;
}
