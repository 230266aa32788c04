/**
 * What the suite's tests want behind the firewall: everything is answered with an empty 200, and `/reflect`
 * with the status, headers and body that the JSON of the request describes.
 */

import { type OriginConnection, RawOrigin, type RecordedRequest } from "../../support/raw_origin.ts";
import { bytesOf } from "../../support/raw_client.ts";

interface Reflection {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly encodedBody?: string;
}

/** Listens on a free port until disposed. */
export function startBackend(): RawOrigin {
  return new RawOrigin({ script: answer });
}

async function answer(
  connection: OriginConnection,
  request: RecordedRequest,
): Promise<void> {
  const path = request.target.split("?")[0];
  const reply = path === "/reflect" ? reflection(request) : { status: 200, headers: {}, body: bytesOf("") };
  const head = [
    `HTTP/1.1 ${reply.status} As told`,
    `Content-Length: ${reply.body.length}`,
  ];
  for (const [name, value] of Object.entries(reply.headers)) {
    if (name.toLowerCase() !== "content-length") head.push(`${name}: ${value}`);
  }
  await connection.send(`${head.join("\r\n")}\r\n\r\n`);
  if (request.method !== "HEAD") await connection.send(reply.body);
}

/** The response that a request to `/reflect` asks for. */
export function reflectionOf(
  body: Uint8Array,
): { status: number; headers: Record<string, string>; body: Uint8Array } {
  let wanted: Reflection;
  try {
    wanted = JSON.parse(new TextDecoder().decode(body)) as Reflection;
  } catch {
    return {
      status: 400,
      headers: {},
      body: bytesOf("Invalid JSON in request body"),
    };
  }
  const bytes = wanted.encodedBody !== undefined && wanted.encodedBody !== ""
    ? Uint8Array.fromBase64(wanted.encodedBody)
    : new TextEncoder().encode(wanted.body ?? "");
  const headers: Record<string, string> = { ...wanted.headers };
  const hasType = Object.keys(headers).some((name) => name.toLowerCase() === "content-type");
  // The original is written in Go, whose server guesses the type of a body that comes without one.
  if (!hasType && bytes.length > 0) headers["Content-Type"] = guessType(bytes);
  return { status: wanted.status ?? 200, headers, body: bytes };
}

function reflection(request: RecordedRequest): ReturnType<typeof reflectionOf> {
  return reflectionOf(request.body);
}

function guessType(bytes: Uint8Array): string {
  const start = new TextDecoder().decode(bytes.subarray(0, 512)).trimStart()
    .toLowerCase();
  if (
    /^<(!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p|!--)[\s>]/
      .test(
        start,
      )
  ) {
    return "text/html; charset=utf-8";
  }
  if (start.startsWith("<?xml")) return "text/xml; charset=utf-8";
  // deno-lint-ignore no-control-regex
  return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(start)
    ? "application/octet-stream"
    : "text/plain; charset=utf-8";
}
