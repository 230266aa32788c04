/** How tables of requests, as bytes, are run against a proxy and judged. */

import { deepEqual, equal, ok } from "node:assert/strict";
import type { ProxyPair } from "./proxy_pair.ts";
import { exchange, RawClient, textOf } from "./raw_client.ts";

const ANSWER_TIMEOUT_MS = 5000;

/** A request that is sent behind a refused one; it must never be answered or reach the origin. */
export const SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: example.test\r\n\r\n";

/** A request that must be refused: answered once, the connection closed, nothing forwarded. */
export interface RefusedCase {
  readonly name: string;
  readonly send: string;
  /** Statuses that are right. */
  readonly want: readonly number[];
  /** The head may reach the origin before the body proves wrong; it must never look complete. */
  readonly bodyIsWrong?: boolean;
}

/** Sends the case with a smuggled request behind it. */
export async function expectRefused(pair: ProxyPair, each: RefusedCase): Promise<void> {
  pair.origin.reset();
  const got = await exchange(pair.port, each.send + SMUGGLED, { timeoutMs: ANSWER_TIMEOUT_MS });
  const statuses = got.responses.map(({ status }) => status);
  equal(statuses.length, 1, `one answer expected, got [${statuses}] and ${JSON.stringify(textOf(got.rest))}`);
  ok(each.want.includes(statuses[0]!), `status ${statuses[0]}, want one of ${each.want}`);
  equal(got.end, "closed", "the connection must be closed");
  if (each.bodyIsWrong) {
    deepEqual(pair.origin.requests.map(({ head }) => head), [], "the origin must not see a whole request");
    ok(!pair.origin.receivedText.includes("smuggled"), "the smuggled request reached the origin");
  } else {
    equal(pair.origin.receivedText, "", "the origin must not see a byte");
  }
}

/** A request that must be forwarded, and what the origin must see of it. */
export interface ForwardedCase {
  readonly name: string;
  readonly send: string;
  /** Request line at the origin. */
  readonly line: string;
  readonly body?: string;
  /** Header lines the origin must see, letter by letter. */
  readonly has?: readonly string[];
  /** Header names, lower case, that must not arrive. */
  readonly lacks?: readonly string[];
}

/** Sends the case, expects 200 and looks at what the origin recorded. */
export async function expectForwarded(pair: ProxyPair, each: ForwardedCase): Promise<void> {
  pair.origin.reset();
  const client = await RawClient.connect(pair.port);
  try {
    await client.send(each.send);
    const headOnly = each.send.startsWith("HEAD");
    const response = await client.response({ timeoutMs: ANSWER_TIMEOUT_MS, headOnly });
    equal(response?.status, 200, response ? textOf(response.body).slice(0, 300) : "closed without an answer");
    equal(pair.origin.requests.length, 1);
    const seen = pair.origin.requests[0]!;
    const lines = seen.head.split("\r\n");
    equal(lines[0], each.line);
    equal(textOf(seen.body), each.body ?? "");
    for (const line of each.has ?? []) ok(lines.includes(line), `origin lacks "${line}":\n${seen.head}`);
    for (const name of each.lacks ?? []) {
      ok(
        !seen.headers.some(([key]) => key.toLowerCase() === name),
        `origin must not see "${name}":\n${seen.head}`,
      );
    }
  } finally {
    client.close();
  }
}
