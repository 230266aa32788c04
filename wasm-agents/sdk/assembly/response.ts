/** The response at hand. */

import * as http from "./bindings/http";
import { lengthOf } from "./request";
import { lowered, Text } from "./text";

/** A response. Every getter asks the proxy and copies the answer. */
export class Response {
  handle: i32 = 0;

  get status(): i32 {
    return http.responseStatus(this.handle);
  }

  get isSuccess(): bool {
    return this.status / 100 == 2;
  }

  get isRedirect(): bool {
    return this.status / 100 == 3;
  }

  get isClientError(): bool {
    return this.status / 100 == 4;
  }

  get isServerError(): bool {
    return this.status / 100 == 5;
  }

  /** All values of a header, joined by `, `; null when there is none. */
  header(name: string): string | null {
    const value = http.responseHeader(this.handle, Text.of(name));
    return value === null ? null : value.toString();
  }

  headerText(name: Text): Text | null {
    return http.responseHeader(this.handle, name);
  }

  hasHeader(name: string): bool {
    return http.responseHeader(this.handle, Text.of(name)) !== null;
  }

  /** Every header line in order. */
  get headers(): http.Header[] {
    return http.responseHeaders(this.handle);
  }

  get contentType(): string | null {
    return this.header("content-type");
  }

  /** Whether the content is JSON by its type: `application/json` or anything that ends in `+json`. */
  get isJson(): bool {
    const type = http.responseHeader(this.handle, Text.of("content-type"));
    return type !== null && isJsonType(type);
  }

  /** The announced length of the body; -1 when there is none. */
  get contentLength(): i64 {
    const value = http.responseHeader(this.handle, Text.of("content-length"));
    return value === null ? -1 : lengthOf(value);
  }

  /** Where a redirect leads. */
  get location(): string | null {
    return this.header("location");
  }
}

/** Whether a media type is JSON: `application/json` or anything that ends in `+json`, with any parameters. */
export function isJsonType(type: Text): bool {
  const semicolon = type.indexOfByte(59);
  const plain = type.slice(0, semicolon < 0 ? type.length : semicolon).trim();
  if (plain.length < 5) return false;
  const tail = plain.slice(plain.length - 5);
  const separator = tail.byteAt(0);
  if (separator != 43 && separator != 47) return false;
  return lowered(tail.byteAt(1)) == 106 && lowered(tail.byteAt(2)) == 115 && lowered(tail.byteAt(3)) == 111 &&
    lowered(tail.byteAt(4)) == 110;
}

const CURRENT = new Response();

/** The response of a call; there is one object for all of them. */
export function responseOf(handle: i32): Response {
  CURRENT.handle = handle;
  return CURRENT;
}
