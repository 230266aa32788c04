import { HeaderList } from "../core/headers.ts";
import { BytesBody, type Response } from "../core/message.ts";

/** A whole response with a text as its body. */
export function textResponse(
  status: number,
  text: string,
  headers: readonly (readonly [name: string, value: string])[],
): Response {
  const body = new BytesBody(new TextEncoder().encode(text));
  return { status, reason: "", headers: HeaderList.from(headers), body };
}

/** Data as people read it: indented, with a line break at the end. */
export function prettyJson(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
