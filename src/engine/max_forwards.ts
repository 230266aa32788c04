import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import { BytesBody, protocolName, type Response } from "../core/message.ts";

/** Header fields that an echoed request must not show (RFC 9110 §9.3.8). */
const SECRET: ReadonlySet<string> = new Set(["authorization", "cookie", "proxy-authorization"]);

/**
 * Max-Forwards (RFC 9110 §7.6.2): TRACE and OPTIONS requests that may go no further are answered here,
 * others are passed on with one hop less. Undefined for every other request.
 */
export function answerLastHop(context: RequestContext): Response | undefined {
  const { method, headers } = context.head;
  if (method !== "TRACE" && method !== "OPTIONS") return undefined;
  const value = headers.get("max-forwards");
  if (value === undefined) return undefined;
  if (!/^\d{1,9}$/.test(value)) throw new ProxyError("bad_request", "Max-Forwards is not a number");
  const hops = Number(value);
  if (hops > 0) {
    headers.set("Max-Forwards", String(hops - 1));
    return undefined;
  }
  return method === "TRACE" ? echo(context) : {
    status: 204,
    reason: "",
    headers: HeaderList.from([["Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, TRACE"]]),
    body: null,
  };
}

function echo(context: RequestContext): Response {
  const { method, target, headers } = context.head;
  let text = `${method} ${target} ${protocolName(context.head)}\r\n`;
  for (let i = 0; i < headers.size; i++) {
    if (!SECRET.has(headers.keyAt(i))) text += `${headers.nameAt(i)}: ${headers.valueAt(i)}\r\n`;
  }
  text += "\r\n";
  const bytes = Uint8Array.from(text, (unit) => unit.charCodeAt(0));
  return {
    status: 200,
    reason: "",
    headers: HeaderList.from([["Content-Type", "message/http"]]),
    body: new BytesBody(bytes),
  };
}
