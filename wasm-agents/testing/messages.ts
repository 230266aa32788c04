/** Requests and responses for tests, written as briefly as they are thought of. */

import type { Header, Request, Response, TlsInfo } from "../../src/agents/contract/sentinel_types.ts";

/** What a request is made of; what is left out is as in `GET / HTTP/1.1` from 192.0.2.1. */
export interface RequestParts {
  readonly method?: string;
  /** Path and query: `/search?q=1`. */
  readonly target?: string;
  readonly host?: string;
  /** A list of values is several lines of that name. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly id?: string;
  readonly route?: string;
  readonly upstream?: string;
  readonly traceparent?: string;
  /** Notes of agents before this one. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The client. */
  readonly clientAddress?: string;
  readonly clientPort?: number;
  readonly tls?: TlsInfo;
}

/** A request as the host sees it, with the facts of its connection. */
export interface TestRequest extends Request {
  readonly connection: {
    readonly clientAddress: string;
    readonly clientPort: number;
    readonly tls: TlsInfo | undefined;
  };
}

/** A request for `target`. */
export function request(target: string, parts: RequestParts = {}): TestRequest {
  const headers = headerList(parts.headers ?? {});
  const question = target.indexOf("?");
  return {
    id: () => parts.id ?? "test-request",
    method: () => parts.method ?? "GET",
    target: () => target,
    path: () => question < 0 ? target : target.slice(0, question),
    query: () => question < 0 ? "" : target.slice(question + 1),
    host: () => parts.host ?? "example.com",
    header: (name) => joined(headers, name),
    headers: () => headers,
    route: () => parts.route,
    upstream: () => parts.upstream,
    traceparent: () => parts.traceparent ?? "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    metadata: (key) => parts.metadata?.[key],
    connection: {
      clientAddress: parts.clientAddress ?? "192.0.2.1",
      clientPort: parts.clientPort ?? 40000,
      tls: parts.tls,
    },
  };
}

/** A response with a status and headers. */
export function response(
  status: number,
  headers: Readonly<Record<string, string | readonly string[]>> = {},
): Response {
  const list = headerList(headers);
  return { status: () => status, header: (name) => joined(list, name), headers: () => list };
}

function headerList(headers: Readonly<Record<string, string | readonly string[]>>): readonly Header[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    (typeof value === "string" ? [value] : value).map((each) => ({ name, value: each }))
  );
}

function joined(headers: readonly Header[], name: string): string | undefined {
  const wanted = name.toLowerCase();
  const values = headers.filter((each) => each.name.toLowerCase() === wanted).map(({ value }) => value);
  return values.length === 0 ? undefined : values.join(", ");
}
