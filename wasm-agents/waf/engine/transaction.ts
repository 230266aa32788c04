/** The transaction at hand: what is known about it besides its variables. One call of the proxy is about one transaction. */

import { Settings } from "../seclang/settings";

/** Handles of the messages; 0 for a response means that there is none yet. */
export let request: i32 = 0;
export let response: i32 = 0;
export let hasResponse: bool = false;

/** Lists that have been filled, as bits. */
export let gathered: u32 = 0;

/** Modes, which `ctl` can change. */
export let engine: i32 = 0;
export let bodyProcessor: i32 = 0;
export let readsBody: bool = true;
export let readsResponseBody: bool = false;
export let isBodyForced: bool = false;
export let isAudited: bool = true;
export let requestBodyLimit: i32 = 0;
export let responseBodyLimit: i32 = 0;
/** What stands between arguments; the same for every transaction. */
export let argumentSeparator: u32 = 0x26;

/** 255: nothing has matched that has a severity. */
export let highestSeverity: i32 = 255;

/** Milliseconds at its start, when a rule asks for the duration. */
export let startedMs: f64 = 0;

/** Whether `allow` has ended the phases: 1 those of the request, 2 all but the last one. */
export let allowed: i32 = 0;

/** A call about a transaction begins. */
export function bindMessages(
  requestHandle: i32,
  responseHandle: i32,
  withResponse: bool,
): void {
  request = requestHandle;
  response = responseHandle;
  hasResponse = withResponse;
  gathered = 0;
}

/** A transaction begins. */
export function resetTransaction(settings: Settings): void {
  engine = settings.engine;
  bodyProcessor = 0;
  readsBody = settings.readsRequestBody;
  readsResponseBody = settings.readsResponseBody;
  isBodyForced = false;
  isAudited = true;
  argumentSeparator = settings.argumentSeparator;
  requestBodyLimit = settings.requestBodyLimit;
  responseBodyLimit = settings.responseBodyLimit;
  highestSeverity = 255;
  startedMs = 0;
  allowed = 0;
}

export function setGathered(list: i32): void {
  gathered |= 1 << list;
}

export function setEngine(mode: i32): void {
  engine = mode;
}

export function setBodyProcessor(processor: i32): void {
  bodyProcessor = processor;
}

export function setReadsBody(yes: bool): void {
  readsBody = yes;
}

export function setReadsResponseBody(yes: bool): void {
  readsResponseBody = yes;
}

export function setBodyForced(yes: bool): void {
  isBodyForced = yes;
}

export function setAudited(yes: bool): void {
  isAudited = yes;
}

export function setRequestBodyLimit(bytes: i32): void {
  requestBodyLimit = bytes;
}

export function setResponseBodyLimit(bytes: i32): void {
  responseBodyLimit = bytes;
}

export function setHighestSeverity(severity: i32): void {
  highestSeverity = severity;
}

export function setStartedMs(ms: f64): void {
  startedMs = ms;
}

export function setAllowed(what: i32): void {
  allowed = what;
}

/** What of this lasts from call to call, as seven numbers. */
export function saveModes(at: usize): void {
  store<i32>(at, engine);
  store<i32>(at, bodyProcessor, 4);
  store<u32>(
    at,
    <u32> readsBody | <u32> readsResponseBody << 1 | <u32> isBodyForced << 2 |
      <u32> isAudited << 3,
    8,
  );
  store<i32>(at, requestBodyLimit, 12);
  store<i32>(at, responseBodyLimit, 16);
  store<i32>(at, highestSeverity, 20);
  store<i32>(at, allowed, 24);
  store<f64>(at, startedMs, 32);
}

/** How many bytes `saveModes` writes. */
export const MODES_BYTES: i32 = 40;

export function loadModes(at: usize): void {
  engine = load<i32>(at);
  bodyProcessor = load<i32>(at, 4);
  const flags = load<u32>(at, 8);
  readsBody = (flags & 1) != 0;
  readsResponseBody = (flags & 2) != 0;
  isBodyForced = (flags & 4) != 0;
  isAudited = (flags & 8) != 0;
  requestBodyLimit = load<i32>(at, 12);
  responseBodyLimit = load<i32>(at, 16);
  highestSeverity = load<i32>(at, 20);
  allowed = load<i32>(at, 24);
  startedMs = load<f64>(at, 32);
}
