// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** What an agent answers. */

import { allocate } from "../arena";
import { Bytes, EMPTY, storeText, storeTexts, Text } from "../text";
import { countOf, Some } from "../values";
import { Header, storeHeader } from "./http";

/** `header-edit` of `decisions`. */
export class HeaderEdit {
  /** Puts the value where the header first stood, and drops its other lines. */
  static readonly SET: u8 = 0;
  static readonly ADD: u8 = 1;
  static readonly REMOVE: u8 = 2;
  set: Header | null = null;
  add: Header | null = null;
  remove: Text | null = null;

  constructor(public tag: u8) {}
}

/** Puts HeaderEdit into memory; null is all zero. */
export function storeHeaderEdit(at: usize, value: HeaderEdit | null): void {
  if (value === null) {
    memory.fill(at, 0, 20);
    return;
  }
  store<u8>(at, value.tag);
  if (value.tag == HeaderEdit.SET) {
    storeHeader(at + 4, value.set!);
  }
  if (value.tag == HeaderEdit.ADD) {
    storeHeader(at + 4, value.add!);
  }
  if (value.tag == HeaderEdit.REMOVE) {
    storeText(at + 4, value.remove!);
  }
}

/** `block` of `decisions`. */
export class Block {
  /** 400 to 599. */
  status: u16 = 0;
  /** Text of the answer; absent means the route's error page. */
  body: Text | null = null;
  headers: Header[] | null = null;
}

/** Puts Block into memory; null is all zero. */
export function storeBlock(at: usize, value: Block | null): void {
  if (value === null) {
    memory.fill(at, 0, 24);
    return;
  }
  store<u16>(at, value.status);
  const some4 = value.body;
  store<u8>(at, <u8> (some4 !== null), 4);
  if (some4 !== null) {
    storeText(at + 8, some4);
  }
  store<usize>(at, storeHeaderList(value.headers), 16);
  store<i32>(at, countOf(value.headers), 20);
}

/** `redirect` of `decisions`. */
export class Redirect {
  /** 301, 302, 303, 307 or 308. */
  status: u16 = 0;
  location: Text = EMPTY;
}

/** Puts Redirect into memory; null is all zero. */
export function storeRedirect(at: usize, value: Redirect | null): void {
  if (value === null) {
    memory.fill(at, 0, 12);
    return;
  }
  store<u16>(at, value.status);
  storeText(at + 4, value.location);
}

/** Asks the client to prove something. `basic` and `bearer` become 401 with WWW-Authenticate and `params` as its parameters; every other kind is answered 403 with a page that names it. */
export class Challenge {
  kind: Text = EMPTY;
  params: Header[] | null = null;
}

/** Puts Challenge into memory; null is all zero. */
export function storeChallenge(at: usize, value: Challenge | null): void {
  if (value === null) {
    memory.fill(at, 0, 16);
    return;
  }
  storeText(at, value.kind);
  store<usize>(at, storeHeaderList(value.params), 8);
  store<i32>(at, countOf(value.params), 12);
}

/** `decision` of `decisions`. */
export class Decision {
  static readonly ALLOW: u8 = 0;
  static readonly BLOCK: u8 = 1;
  static readonly REDIRECT: u8 = 2;
  static readonly CHALLENGE: u8 = 3;
  block: Block | null = null;
  redirect: Redirect | null = null;
  challenge: Challenge | null = null;

  constructor(public tag: u8) {}
}

/** Puts Decision into memory; null is all zero. */
export function storeDecision(at: usize, value: Decision | null): void {
  if (value === null) {
    memory.fill(at, 0, 28);
    return;
  }
  store<u8>(at, value.tag);
  if (value.tag == Decision.BLOCK) {
    storeBlock(at + 4, value.block!);
  }
  if (value.tag == Decision.REDIRECT) {
    storeRedirect(at + 4, value.redirect!);
  }
  if (value.tag == Decision.CHALLENGE) {
    storeChallenge(at + 4, value.challenge!);
  }
}

/** `audit` of `decisions`. */
export class Audit {
  tags: Text[] | null = null;
  ruleIds: Text[] | null = null;
  reasonCodes: Text[] | null = null;
  /** 0 to 1. */
  confidence: Some<f32> | null = null;
  custom: Header[] | null = null;
}

/** Puts Audit into memory; null is all zero. */
export function storeAudit(at: usize, value: Audit | null): void {
  if (value === null) {
    memory.fill(at, 0, 40);
    return;
  }
  store<usize>(at, storeTexts(value.tags));
  store<i32>(at, countOf(value.tags), 4);
  store<usize>(at, storeTexts(value.ruleIds), 8);
  store<i32>(at, countOf(value.ruleIds), 12);
  store<usize>(at, storeTexts(value.reasonCodes), 16);
  store<i32>(at, countOf(value.reasonCodes), 20);
  const some24 = value.confidence;
  store<u8>(at, <u8> (some24 !== null), 24);
  if (some24 !== null) {
    store<f32>(at, some24.value, 28);
  }
  store<usize>(at, storeHeaderList(value.custom), 32);
  store<i32>(at, countOf(value.custom), 36);
}

/** `outcome` of `decisions`. */
export class Outcome {
  decision: Decision | null = null;
  requestHeaders: HeaderEdit[] | null = null;
  responseHeaders: HeaderEdit[] | null = null;
  /** Replaces path and query of the request. Only before the request is sent. */
  target: Text | null = null;
  /** Replaces the method. Only before the request is sent. */
  method: Text | null = null;
  /** Notes for agents after this one, logs and routing. */
  metadata: Header[] | null = null;
  audit: Audit | null = null;
  /** Nothing is decided yet: the request waits until the body handler has decided. */
  needsMore: bool = false;
}

/** Puts Outcome into memory; null is all zero. */
export function storeOutcome(at: usize, value: Outcome | null): void {
  if (value === null) {
    memory.fill(at, 0, 120);
    return;
  }
  storeDecision(at, value.decision);
  store<usize>(at, storeHeaderEditList(value.requestHeaders), 28);
  store<i32>(at, countOf(value.requestHeaders), 32);
  store<usize>(at, storeHeaderEditList(value.responseHeaders), 36);
  store<i32>(at, countOf(value.responseHeaders), 40);
  const some44 = value.target;
  store<u8>(at, <u8> (some44 !== null), 44);
  if (some44 !== null) {
    storeText(at + 48, some44);
  }
  const some56 = value.method;
  store<u8>(at, <u8> (some56 !== null), 56);
  if (some56 !== null) {
    storeText(at + 60, some56);
  }
  store<usize>(at, storeHeaderList(value.metadata), 68);
  store<i32>(at, countOf(value.metadata), 72);
  storeAudit(at + 76, value.audit);
  store<u8>(at, <u8> value.needsMore, 116);
}

/** `body-edit` of `decisions`. */
export class BodyEdit {
  static readonly KEEP: u8 = 0;
  static readonly DROP: u8 = 1;
  static readonly REPLACE: u8 = 2;
  replace: Bytes | null = null;

  constructor(public tag: u8) {}
}

/** Puts BodyEdit into memory; null is all zero. */
export function storeBodyEdit(at: usize, value: BodyEdit | null): void {
  if (value === null) {
    memory.fill(at, 0, 12);
    return;
  }
  store<u8>(at, value.tag);
  if (value.tag == BodyEdit.REPLACE) {
    storeText(at + 4, value.replace!);
  }
}

/** `body-outcome` of `decisions`. */
export class BodyOutcome {
  outcome: Outcome | null = null;
  edit: BodyEdit | null = null;
}

/** Puts BodyOutcome into memory; null is all zero. */
export function storeBodyOutcome(at: usize, value: BodyOutcome | null): void {
  if (value === null) {
    memory.fill(at, 0, 132);
    return;
  }
  storeOutcome(at, value.outcome);
  storeBodyEdit(at + 120, value.edit);
}

function storeHeaderList(list: Header[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(16 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 16 * index;
    const each = list[index];
    storeHeader(at, each);
  }
  return start;
}

function storeHeaderEditList(list: HeaderEdit[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(20 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 20 * index;
    const each = list[index];
    storeHeaderEdit(at, each);
  }
  return start;
}
