/** The corpora of our own rule set as stages that a contender can be given. */

import { ATTACKS } from "../../../wasm-agents/waf/rules/attack_corpus.ts";
import { benignRequests } from "../../../wasm-agents/waf/rules/benign_corpus.ts";
import type { Expectation, Stage } from "./suite.ts";

/** A stage and what to call it in a report. */
export interface CorpusStage {
  readonly name: string;
  readonly stage: Stage;
}

const NOTHING_EXPECTED: Expectation = {
  expectIds: [],
  noExpectIds: [],
  matchRegex: [],
  noMatchRegex: [],
  statuses: [],
  responseContains: undefined,
  expectError: undefined,
};

const CLIENT: Readonly<Record<string, string>> = {
  "Host": "shop.example.com",
  "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  "Accept": "*/*",
};

/** Requests that are to pass. */
export function benignStages(): CorpusStage[] {
  return benignRequests().map((request) => ({
    name: `${request.method} ${request.target} ${request.body} ${JSON.stringify(request.headers)}`,
    stage: stageOf(request),
  }));
}

/** Every attack as an argument of the query, and as a member of JSON. */
export function attackStages(): CorpusStage[] {
  return Object.entries(ATTACKS).flatMap(([kind, texts]) =>
    texts.flatMap((text) => [
      {
        name: `${kind}, query: ${text}`,
        stage: stageOf({
          method: "GET",
          target: `/x?q=${escapeAll(text)}`,
          headers: CLIENT,
          body: "",
        }),
      },
      {
        name: `${kind}, JSON: ${text}`,
        stage: stageOf({
          method: "POST",
          target: "/x",
          headers: { ...CLIENT, "Content-Type": "application/json" },
          body: JSON.stringify({ q: text }),
        }),
      },
    ])
  );
}

function escapeAll(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
}

interface PlainRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

function stageOf({ method, target, headers, body }: PlainRequest): Stage {
  const bytes = new TextEncoder().encode(body);
  const lines = Object.entries({
    ...headers,
    ...(method === "POST" ? { "Content-Length": String(bytes.length) } : {}),
    Connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const head = new TextEncoder().encode(
    `${method} ${target} HTTP/1.1\r\n${lines}\r\n`,
  );
  const whole = new Uint8Array(head.length + bytes.length);
  whole.set(head);
  whole.set(bytes, head.length);
  return { bytes: whole, isHead: false, expectation: NOTHING_EXPECTED };
}
