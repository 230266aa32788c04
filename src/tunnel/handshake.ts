/** The opening handshake of WebSockets (RFC 6455 §4), checked on both sides of the proxy. */

import { sha1 } from "../agents/host/hash/sha1.ts";
import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { HeaderList } from "../core/headers.ts";

/** The only version there is. */
export const WEBSOCKET_VERSION = "13";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** Sixteen bytes in base64. */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/;

/** Throws `ProxyError` when a request that asks for WebSocket is no opening handshake (§4.2.1). */
export function checkRequest({ head, body }: RequestContext): void {
  const { headers, method } = head;
  if (method !== "GET") throw bad(`its method is ${method}`);
  if (body !== null) throw bad("it has a body");
  const versions = headers.getAll("sec-websocket-version");
  if (versions.length !== 1 || versions[0] !== WEBSOCKET_VERSION) {
    throw new ProxyError("upgrade_required", `WebSocket version "${versions.join(", ").slice(0, 40)}"`);
  }
  const keys = headers.getAll("sec-websocket-key");
  if (keys.length !== 1 || !KEY.test(keys[0]!)) throw bad("Sec-WebSocket-Key is not sixteen bytes in base64");
  if (protocols(headers).some((name) => !TOKEN.test(name))) throw bad("Sec-WebSocket-Protocol is malformed");
  if (extensions(headers).some((name) => !TOKEN.test(name))) {
    throw bad("Sec-WebSocket-Extensions is malformed");
  }
}

/** Throws `upstream_protocol` when the headers of a 101 do not answer those of the request (§4.1). */
export function checkAnswer(request: HeaderList, answer: HeaderList): void {
  const accepts = answer.getAll("sec-websocket-accept");
  const key = request.get("sec-websocket-key") ?? "";
  if (accepts.length !== 1 || accepts[0] !== acceptFor(key)) {
    throw wrong("Sec-WebSocket-Accept does not answer the key");
  }
  const chosen = answer.getAll("sec-websocket-protocol");
  if (chosen.length > 1 || (chosen.length === 1 && !protocols(request).includes(chosen[0]!))) {
    throw wrong("the subprotocol it chose was not offered");
  }
  const offered = extensions(request);
  if (extensions(answer).some((name) => !offered.includes(name))) {
    throw wrong("it uses an extension that was not offered");
  }
}

/** What a server answers a key with. */
export function acceptFor(key: string): string {
  const text = key + GUID;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return btoa(String.fromCharCode(...sha1(bytes)));
}

function protocols(headers: HeaderList): string[] {
  return listed(headers.joined("sec-websocket-protocol"));
}

/** The extensions' names, without their parameters. */
function extensions(headers: HeaderList): string[] {
  return listed(headers.joined("sec-websocket-extensions"))
    .map((each) => each.split(";", 1)[0]!.trim().toLowerCase());
}

function listed(value: string | undefined): string[] {
  return value === undefined ? [] : value.split(",").map((each) => each.trim());
}

function bad(message: string): ProxyError {
  return new ProxyError("bad_request", `no opening handshake of a WebSocket: ${message}`);
}

function wrong(message: string): ProxyError {
  return new ProxyError("upstream_protocol", `the upstream's opening handshake is wrong: ${message}`);
}
