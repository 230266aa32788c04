/**
 * Whole rule files and whole requests, put together at random, for the agent as the proxy runs it: rules load or are refused
 * with a place and a reason, every request gets a verdict, and a body in pieces gets that of the whole. `CASES` says how many
 * rule files.
 */

import { deepEqual, match, ok } from "node:assert/strict";
import { SeededRandom, seedFromEnvironment } from "../../tests/support/mutations.ts";
import { ConfigRefused } from "../testing/load_agent.ts";
import { response, type TestRequest } from "../testing/messages.ts";
import { type RandomRequest, RandomRequests } from "./testing/random_requests.ts";
import { directivesOf, RandomRules } from "./testing/random_rules.ts";
import { type Verdict, verdictOf, type Waf, wafWith } from "./testing/waf_agent.ts";

const CASES = Number(Deno.env.get("CASES") ?? 120);
const REQUESTS = 25;

const FOLDER = new URL("rules/", import.meta.url);

function realDirectives(): string[] {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).filter((name) => name.endsWith(".conf"))
    .sort();
  return files.flatMap((name) => directivesOf(Deno.readTextFileSync(new URL(name, FOLDER))));
}

/** Loads the rules twice, without those directives that are refused; undefined when it comes to nothing. */
async function loaded(
  directives: readonly string[],
): Promise<{ rules: string; wafs: [Waf, Waf] } | undefined> {
  let left = directives;
  for (let tries = 0; tries < 4 && left.length > 0; tries++) {
    const rules = left.join("\n");
    try {
      return { rules, wafs: [await wafWith(rules), await wafWith(rules)] };
    } catch (error) {
      if (!(error instanceof ConfigRefused)) throw new Error(`these rules:\n${rules}`, { cause: error });
      const lines = new Set<number>();
      for (const { message } of error.problems) {
        match(message, /^(?:test\.conf:\d+: \S|and \d+ more)/, rules);
        lines.add(Number(/:(\d+):/.exec(message)?.[1]));
      }
      left = withoutLines(left, lines);
    }
  }
  return undefined;
}

function withoutLines(directives: readonly string[], lines: ReadonlySet<number>): string[] {
  let line = 1;
  return directives.filter((directive) => {
    const from = line;
    line += directive.split("\n").length;
    for (let each = from; each < line; each++) if (lines.has(each)) return false;
    return true;
  });
}

type Exchange = { readonly waf: Waf; readonly message: TestRequest };

/** Verdicts of the phases that a request goes through, in the order in which they come. */
async function verdictsOf(
  waf: Waf,
  { target, parts }: RandomRequest,
  { body, reply }: { body: readonly Uint8Array[]; reply: readonly Uint8Array[] },
): Promise<Verdict[]> {
  const message = waf.request(target, parts);
  const exchange = { waf, message };
  const verdicts = [verdictOf(await waf.agent.onRequest(message))];
  if (verdicts[0]!.decision === "more") verdicts.push(await afterBody(exchange, body));
  if (verdicts.at(-1)!.decision === "allow") verdicts.push(...await ofResponse(exchange, reply));
  await waf.agent.onRequestComplete(message);
  return verdicts;
}

/** The first verdict that waits for nothing more. */
async function afterBody({ waf, message }: Exchange, pieces: readonly Uint8Array[]): Promise<Verdict> {
  for (const [index, piece] of pieces.entries()) {
    const last = index === pieces.length - 1;
    const verdict = verdictOf((await waf.agent.onRequestBody(message, piece, { index, last })).outcome);
    ok(!last || verdict.decision !== "more", "it waits for more than there is");
    if (verdict.decision !== "more") return verdict;
  }
  throw new Error("no piece of a body");
}

async function ofResponse({ waf, message }: Exchange, pieces: readonly Uint8Array[]): Promise<Verdict[]> {
  const answer = response(200, { "Content-Type": "text/html", "X-Y": "a" });
  const head = verdictOf(await waf.agent.onResponse(message, answer));
  if (head.decision !== "more") return [head];
  for (const [index, piece] of pieces.entries()) {
    const last = index === pieces.length - 1;
    const exchange = { request: message, response: answer };
    const verdict = verdictOf((await waf.agent.onResponseBody(exchange, piece, { index, last })).outcome);
    if (verdict.decision !== "more") return [head, verdict];
  }
  throw new Error("it waits for more than there is");
}

function brief({ decision, facts }: Verdict): unknown {
  return { decision, facts };
}

Deno.test("fuzzing: rule files load or are refused, every request gets a verdict, in pieces the same one", async () => {
  const random = new SeededRandom(seedFromEnvironment());
  const rules = new RandomRules(random, realDirectives());
  const requests = new RandomRequests(random);
  const counts = { loaded: 0, matched: 0, blocked: 0, bodies: 0, replies: 0 };
  for (let done = 0; done < CASES; done++) {
    const made = await loaded(rules.file());
    if (made === undefined) continue;
    counts.loaded++;
    for (let count = 0; count < REQUESTS; count++) {
      const request = requests.request();
      const reply = new TextEncoder().encode(requests.text());
      const pieces = { body: requests.pieces(request.parts.body), reply: requests.pieces(reply) };
      const where = () => `these rules:\n${made.rules}\n${JSON.stringify({ ...request, pieces }, shown)}`;
      try {
        const whole = await verdictsOf(made.wafs[0], request, { body: [request.parts.body], reply: [reply] });
        const parted = await verdictsOf(made.wafs[1], request, pieces);
        deepEqual(parted.map(brief), whole.map(brief));
        if (whole.some(({ ids }) => ids.length > 0)) counts.matched++;
        if (whole.at(-1)!.decision !== "allow") counts.blocked++;
        if (whole[0]!.decision === "more") counts.bodies++;
        if (whole.length > 2) counts.replies++;
      } catch (error) {
        throw new Error(where(), { cause: error });
      }
    }
  }
  const judged = counts.loaded * REQUESTS;
  ok(counts.loaded > CASES / 2, `${counts.loaded} of ${CASES} rule files load`);
  const { matched, blocked, bodies, replies } = counts;
  ok(
    Math.min(matched / 4, blocked, bodies, replies) > judged / 16,
    `of ${judged}: ${JSON.stringify(counts)}`,
  );
});

/** Bytes as the text of which they are the characters. */
function shown(_key: string, value: unknown): unknown {
  return value instanceof Uint8Array
    ? Array.from(value, (byte) => String.fromCharCode(byte)).join("")
    : value;
}
