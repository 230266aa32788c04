/**
 * Changes requests and responses by rules: headers on both sides, path and query, members of JSON bodies. The rule
 * with the highest priority that a request meets is the one that is used; among equals it is the first.
 *
 * Options: `rule`s with a name, `priority` (50), `enabled`, and the blocks `match` (`path`, `methods`, `header`,
 * `query`), `request` (`rewrite`, `preserve-query`, `method`, `query`, `headers`, `json`) and `response` (`headers`,
 * `json`); `max-body-bytes`. Nothing has to be granted.
 */

import {
  BodyDecision,
  Bytes,
  Chunk,
  Config,
  Decision,
  Description,
  isJsonType,
  Range,
  Request,
  Response,
  Text,
} from "sentinel";
import { JsonEdits } from "./json_edits";
import { Rule } from "./rule";

const CONTENT_TYPE = Text.of("content-type");

let rules: Rule[] = [];
let bodyBytesMax = 1024 * 1024;

/** Names the agent. */
export function describe(): Description {
  return new Description("transform", "1.0.0", "Changes headers, paths, queries and JSON bodies by rules");
}

/** Reads the rules and puts them in order. */
export function onConfigure(config: Config): void {
  const found: Rule[] = [];
  const items = config.list("rule");
  for (let index = 0; index < items.length; index++) {
    const rule = new Rule(items[index], "rule[" + index.toString() + "]");
    if (rule.isEnabled) insert(found, rule);
  }
  bodyBytesMax = config.integer("max-body-bytes", 1024 * 1024, new Range(1, 64 * 1024 * 1024));
  rules = found;
}

/** Keeps the highest priority first, and equals in the order in which they were written. */
function insert(into: Rule[], rule: Rule): void {
  let at = into.length;
  into.push(rule);
  while (at > 0 && into[at - 1].priority < rule.priority) {
    into[at] = into[at - 1];
    at--;
  }
  into[at] = rule;
}

/** Edits headers of both sides, path, query and method. */
export function onRequest(request: Request): Decision {
  for (let index = 0; index < rules.length; index++) {
    const rule = unchecked(rules[index]);
    const captures = rule.match.captures(request);
    if (captures !== null) return rule.decide(request, captures);
  }
  return Decision.allow();
}

/** Edits a JSON body on its way to the upstream. */
export function onRequestBody(request: Request, chunk: Chunk): BodyDecision {
  const rule = ruleFor(request);
  if (rule === null || rule.requestJson.isEmpty) return BodyDecision.keep();
  return edited(rule.requestJson, chunk, request.headerText(CONTENT_TYPE));
}

/** Edits a JSON body on its way to the client. */
export function onResponseBody(request: Request, response: Response, chunk: Chunk): BodyDecision {
  const rule = ruleFor(request);
  if (rule === null || rule.responseJson.isEmpty) return BodyDecision.keep();
  return edited(rule.responseJson, chunk, response.headerText(CONTENT_TYPE));
}

function ruleFor(request: Request): Rule | null {
  for (let index = 0; index < rules.length; index++) {
    const rule = unchecked(rules[index]);
    if (rule.match.captures(request) !== null) return rule;
  }
  return null;
}

/** What cannot be edited passes as it is, and the log says why. */
function edited(edits: JsonEdits, chunk: Chunk, type: Text | null): BodyDecision {
  if (type === null || !isJsonType(type)) return BodyDecision.keep();
  if (!chunk.isWhole) return chunk.index == 0 ? untouched("body-in-parts") : BodyDecision.keep();
  if (chunk.bytes.length > bodyBytesMax) return untouched("body-too-large");
  const body: Bytes | null = edits.apply(chunk.bytes);
  return body === null ? untouched("invalid-json") : BodyDecision.replace(body);
}

function untouched(why: string): BodyDecision {
  return BodyDecision.decide(Decision.allow().withTag("not-transformed").withReasonCode(why));
}
