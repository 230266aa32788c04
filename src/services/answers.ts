import { HeaderList } from "../core/headers.ts";
import { BytesBody, type Response } from "../core/message.ts";

const encoder = new TextEncoder();

/** A whole response with a text as its body. */
export function textResponse(
  status: number,
  text: string,
  headers: readonly (readonly [name: string, value: string])[],
): Response {
  return bytesResponse(status, encoder.encode(text), headers);
}

/** A whole response with these bytes as its body. */
export function bytesResponse(
  status: number,
  bytes: Uint8Array,
  headers: readonly (readonly [name: string, value: string])[],
): Response {
  return { status, reason: "", headers: HeaderList.from(headers), body: new BytesBody(bytes) };
}

/** Data as people read it: indented, with a line break at the end. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
