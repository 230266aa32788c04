/** What a client sent, for those who are to judge that rather than what is sent on. */

import type { AgentOptions } from "../agents/options.ts";
import { assert } from "../core/assert.ts";
import { type RequestContext, Slot } from "../core/context.ts";
import type { HeaderList } from "../core/headers.ts";
import { receivedLines } from "../http1/received_lines.ts";
import { connectionOptions } from "../upstream/clean_headers.ts";

const KEPT = new Slot<HeaderList>();

/** Whether the agent is shown headers as they were received. */
export function seesReceived({ options }: { readonly options: Pick<AgentOptions, "headers"> }): boolean {
  return options.headers === "received";
}

/** The authority of a target in absolute form, which stands at the beginning of a head. */
const TARGET_AUTHORITY = /^\S+ https?:\/\/([^/?\s]+)/i;

/**
 * Called before the first header is changed, where somebody may ask for `receivedHeaders`. The lines of HTTP/1 stay in
 * their source, so only those that came in another way are copied.
 */
export function keepReceived(context: RequestContext): void {
  const { headers } = context.head;
  if (headers.source === "") KEPT.set(context, headers.clone());
}

/** What a body is read by. */
const DESCRIBING = ["content-type", "content-encoding"];
const NAME_LENGTH_MIN = Math.min(...DESCRIBING.map(({ length }) => length));

/**
 * Every header line as the client sent it, in order: those about its connection (RFC 9110 §7.6.1) and those about
 * hops before it among them, and nothing that filters, agents or the proxy have made of it. The Host that only a target
 * or `:authority` names is the last line. Nothing of it goes to an upstream.
 *
 * Left out is what says how to read the body where `Connection` takes it away, which it must not (§7.6.1): the body
 * goes on without, so that an upstream could read it in another way than who has judged it.
 */
export function receivedHeaders(context: RequestContext): HeaderList {
  const { source } = context.head.headers;
  if (source === "") {
    const kept = KEPT.get(context);
    assert(kept !== undefined, "headers were kept before any was changed");
    return withoutWithdrawn(kept);
  }
  const headers = receivedLines(source);
  const authority = headers.has("host") ? undefined : TARGET_AUTHORITY.exec(source)?.[1];
  if (authority !== undefined) headers.append("Host", authority);
  return withoutWithdrawn(headers);
}

function withoutWithdrawn(headers: HeaderList): HeaderList {
  const connection = headers.joined("connection");
  // The usual `keep-alive` and `close` are shorter.
  if (connection === undefined || connection.length < NAME_LENGTH_MIN) return headers;
  const options = connectionOptions(connection);
  for (const key of DESCRIBING) if (options.includes(key)) headers.remove(key);
  return headers;
}
