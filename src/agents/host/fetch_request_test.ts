import { equal, match } from "node:assert/strict";
import type { FetchRequest } from "../contract/sentinel_types.ts";
import {
  FETCH_HEADER_BYTES_MAX,
  FETCH_HEADERS_MAX,
  FETCH_URL_CHARS_MAX,
  fetchBytes,
  requestProblem,
} from "./fetch_request.ts";

const plain: FetchRequest = {
  method: "GET",
  url: "https://a.example/",
  headers: [],
  body: undefined,
  timeoutMs: 0,
};
const header = (name: string, value = "v") => ({ name, value });

function problemOf(parts: Partial<FetchRequest>, bodyBytesMax = 10): string | undefined {
  return requestProblem({ ...plain, ...parts }, bodyBytesMax)?.message;
}

Deno.test("requestProblem: methods", () => {
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    equal(problemOf({ method }), undefined);
  }
  for (const method of ["", "get", "CONNECT", "TRACE", "TRACK", "GET\r\nX: y"]) {
    match(problemOf({ method }) ?? "", /^The method must be one of GET, HEAD/, method);
  }
  for (const method of ["GET", "HEAD"]) {
    match(problemOf({ method, body: new Uint8Array(0) }) ?? "", /has no body/);
  }
});

Deno.test("requestProblem: sizes below, at and above their bounds", () => {
  const post = (size: number) => problemOf({ method: "POST", body: new Uint8Array(size) });
  equal(post(9) ?? post(10), undefined);
  equal(post(11), "The body has 11 bytes; 10 are allowed");
  const long = (chars: number) => problemOf({ url: "u".repeat(chars) });
  equal(long(FETCH_URL_CHARS_MAX), undefined);
  equal(long(FETCH_URL_CHARS_MAX + 1), "The URL has more than 8192 characters");
  const many = (count: number) => problemOf({ headers: Array.from({ length: count }, () => header("a")) });
  equal(many(FETCH_HEADERS_MAX), undefined);
  equal(many(FETCH_HEADERS_MAX + 1), "There are 65 headers; 64 are allowed");
  const wide = (bytes: number) => problemOf({ headers: [header("a", "v".repeat(bytes - 1))] });
  equal(wide(FETCH_HEADER_BYTES_MAX), undefined);
  equal(wide(FETCH_HEADER_BYTES_MAX + 1), "The headers have 16385 bytes; 16384 are allowed");
});

Deno.test("requestProblem: headers that are the agent's, and those that are not", () => {
  const fine = ["accept", "Authorization", "cookie", "X-Api-Key", "content-type", "user-agent"];
  for (const name of fine) equal(problemOf({ headers: [header(name)] }), undefined, name);
  const refused = [
    "Host",
    "connection",
    "Keep-Alive",
    "TRANSFER-ENCODING",
    "te",
    "trailer",
    "upgrade",
    "content-length",
  ];
  for (const name of [...refused, "proxy-authorization", "proxy-connection", "expect", "http2-settings"]) {
    equal(problemOf({ headers: [header(name)] }), `The header ${name} is not for the agent to set`);
  }
  for (const name of ["", "a b", "a:", "a\r\nb", "é"]) {
    equal(problemOf({ headers: [header(name)] }), "The name of a header is not a token", name);
  }
  for (const value of ["", "a b\tc", "é\u0080"]) {
    equal(problemOf({ headers: [header("a", value)] }), undefined);
  }
  for (const value of ["a\r\nb: c", "a\nb", "\0", "\u007f", "€"]) {
    equal(
      problemOf({ headers: [header("a", value)] }),
      "The value of a has characters that no header can have",
    );
  }
});

Deno.test("fetchBytes: all that is carried", () => {
  equal(fetchBytes({ ...plain, headers: [header("name", "value")], body: new Uint8Array(5) }), 18 + 9 + 5);
  equal(fetchBytes({ status: 200, headers: [header("a")], body: new Uint8Array(3) }), 5);
});
