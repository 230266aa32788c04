/** The request and the response that were typed or named for `waf explain`. */

import { ProxyError } from "../core/errors.ts";
import { readAgentBytes } from "../server/agent_store.ts";
import { parseHeaderArgument, parseRequestArgument } from "./request_argument.ts";
import { type AnsweredResponse, byteText, readRawRequest, readRawResponse } from "./waf_request.ts";
import type { SentRequest } from "./waf_request.ts";

/** Largest file with a message or a body. */
const FILE_BYTES_MAX = 16 * 1024 * 1024;

/** What stands for a response where none was given. */
const PLAIN: AnsweredResponse = { status: 200, headers: [], body: undefined };

/** Messages as they were given. */
export interface GivenMessages {
  readonly request?: string;
  readonly header: readonly string[];
  readonly body?: string;
  readonly bodyFile?: string;
  /** File with the whole request, in place of `request` and `header`; its body may be given as above. */
  readonly raw?: string;
  /** File with the whole response. */
  readonly response?: string;
}

/** Something that was typed wrongly; the message says what. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The request. Throws `UsageError`, and `ProxyError` for one that the proxy refuses by itself. */
export async function requestOf(given: GivenMessages): Promise<SentRequest> {
  const { request, header, raw } = given;
  const body = await bodyOf(given);
  if (raw !== undefined) {
    if (request !== undefined || header.length > 0) {
      throw new UsageError("--raw is the whole request: leave --request and --header out");
    }
    const file = await readGiven(raw);
    return body === undefined ? readRawRequest(file) : withBody(readRawRequest(file, body), body);
  }
  if (request === undefined) {
    throw new UsageError("give a request: --request 'GET https://a.example/x', or --raw");
  }
  const parsed = parseRequestArgument(request);
  if (typeof parsed === "string") throw new UsageError(`--request ${parsed}`);
  return {
    ...parsed,
    target: byteText(parsed.target),
    headers: header.map((text) => {
      const read = parseHeaderArgument(text);
      if (typeof read === "string") throw new UsageError(`--header ${read}`);
      return [read[0], byteText(read[1])] as const;
    }),
    body,
  };
}

/** The response to a request with `method`; a plain one when none was given. Throws `UsageError`. */
export async function responseOf({ response }: GivenMessages, method: string): Promise<AnsweredResponse> {
  if (response === undefined) return PLAIN;
  const file = await readGiven(response);
  try {
    return readRawResponse(file, method);
  } catch (cause) {
    if (!(cause instanceof ProxyError)) throw cause;
    throw new UsageError(`--response ${response} is no response that the proxy takes: ${cause.message}`);
  }
}

async function bodyOf({ body, bodyFile }: GivenMessages): Promise<Uint8Array | undefined> {
  if (body === undefined) return bodyFile === undefined ? undefined : await readGiven(bodyFile);
  if (bodyFile !== undefined) throw new UsageError("--body and --body-file are two bodies: leave one out");
  return new TextEncoder().encode(body);
}

/** A length that the head has, and that is another one, is a mistake that a proxy would wait for or cut off. */
function withBody(request: SentRequest, body: Uint8Array): SentRequest {
  const length = request.headers.find(([name]) => name.toLowerCase() === "content-length")?.[1];
  if (length !== undefined && Number(length) !== body.length) {
    throw new UsageError(`the body has ${body.length} bytes, and Content-Length in --raw says ${length}`);
  }
  return request;
}

async function readGiven(path: string): Promise<Uint8Array> {
  try {
    return await readAgentBytes(path, FILE_BYTES_MAX);
  } catch (cause) {
    throw new UsageError(`cannot read ${path}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}
