/** What an agent may answer. Whatever breaks these rules is a malformed result: nothing of it is applied. */

import { CLOSE_REASON_BYTES_MAX, isCloseCode } from "../../core/close_codes.ts";
import { checkEditableName } from "../../core/header_edits.ts";
import type {
  Audit,
  BodyOutcome,
  Challenge,
  Decision,
  Frame,
  FrameDecision,
  Header,
  HeaderEdit,
  Outcome,
} from "../contract/sentinel_types.ts";
import { AgentTrap } from "../guest.ts";

/** Most notes that one result may leave for agents after it. */
export const METADATA_MAX = 64;
const METADATA_KEY_LENGTH_MAX = 128;
const METADATA_VALUE_LENGTH_MAX = 4096;
const TARGET_LENGTH_MAX = 65_536;
const LOCATION_LENGTH_MAX = 8192;
const METHOD_LENGTH_MAX = 32;

/** Where in a request's life a result comes from: `request` is before it is sent. */
export type OutcomePhase = "request" | "response";

/** Messages that may answer one. */
const ANSWERS_MAX = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Tab, visible ASCII, space and obs-text (RFC 9110 §5.5): one character is one octet. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** A target in origin form: no spaces, no fragment, nothing beyond ASCII. */
const TARGET = /^\/[\x21\x22\x24-\x7e]*$/;

/** Request headers that are the proxy's own, besides those that belong to the connection. */
const OWN_REQUEST_HEADERS: ReadonlySet<string> = new Set([
  "host",
  "expect",
  "http2-settings",
  "proxy-authenticate",
  "proxy-authorization",
  "via",
  "x-request-id",
  "x-correlation-id",
  "traceparent",
]);

/** Throws a trap of kind `malformed` when the outcome breaks a rule. `method` is the request's. */
export function checkOutcome(outcome: Outcome, phase: OutcomePhase, method: string): void {
  if (outcome.decision.type !== "allow") checkDecision(outcome.decision);
  for (const edit of outcome.requestHeaders) checkEdit(edit, OWN_REQUEST_HEADERS);
  for (const edit of outcome.responseHeaders) checkEdit(edit, undefined);
  if (outcome.target !== undefined || outcome.method !== undefined) checkRewrite(outcome, phase, method);
  if (outcome.metadata.length > 0) checkMetadata(outcome.metadata);
  checkAudit(outcome.audit);
}

/** As `checkOutcome`, for a body hook. */
export function checkBodyOutcome({ outcome }: BodyOutcome, phase: OutcomePhase, method: string): void {
  checkOutcome(outcome, phase, method);
}

/** Throws a trap of kind `malformed` when the decision about a message breaks a rule. */
export function checkFrameDecision(decision: FrameDecision): void {
  switch (decision.type) {
    case "replace":
      return checkMessage(decision.value);
    case "answer":
      if (decision.value.length > ANSWERS_MAX) {
        malformed(`it answers with ${decision.value.length} frames; ${ANSWERS_MAX} are allowed`);
      }
      return decision.value.forEach(checkMessage);
    case "close": {
      const { code, reason } = decision.value;
      if (!isCloseCode(code)) malformed(`it closes with ${code}, which is no code for that`);
      if (encoder.encode(reason).length > CLOSE_REASON_BYTES_MAX) {
        malformed("its reason to close is too long");
      }
    }
  }
}

/** Messages are shown whole, and come back so: control frames are the proxy's own. */
function checkMessage({ opcode, fin, data }: Frame): void {
  if (!fin || (opcode !== "text" && opcode !== "binary")) malformed(`a frame of it is no whole message`);
  if (opcode === "binary") return;
  try {
    decoder.decode(data);
  } catch {
    malformed("a text of it is not UTF-8");
  }
}

function checkDecision(decision: Exclude<Decision, { type: "allow" }>): void {
  switch (decision.type) {
    case "block": {
      const { status, headers } = decision.value;
      if (!(status >= 400 && status <= 599)) {
        malformed(`a block has status ${status}, which is not 400 to 599`);
      }
      for (const header of headers) checkHeader(header, undefined);
      break;
    }
    case "redirect": {
      const { status, location } = decision.value;
      if (!REDIRECTS.has(status)) malformed(`a redirect has status ${status}`);
      if (location.length > LOCATION_LENGTH_MAX || !/^[!-~]+$/.test(location)) {
        malformed(`a redirect has no valid location: ${shown(location)}`);
      }
      break;
    }
    case "challenge":
      checkChallenge(decision.value);
  }
}

function checkChallenge({ kind, params }: Challenge): void {
  if (kind.length > 64 || !TOKEN.test(kind)) malformed(`a challenge has the kind ${shown(kind)}`);
  for (const { name, value } of params) {
    if (!TOKEN.test(name)) malformed(`a challenge has the parameter ${shown(name)}`);
    if (!VALUE.test(value)) malformed(`the challenge parameter "${name}" has control characters`);
  }
}

function checkEdit(edit: HeaderEdit, own: ReadonlySet<string> | undefined): void {
  if (edit.type === "remove") checkName(edit.value, own);
  else checkHeader(edit.value, own);
}

function checkHeader({ name, value }: Header, own: ReadonlySet<string> | undefined): void {
  checkName(name, own);
  if (!VALUE.test(value)) malformed(`the header "${name}" has a value with control characters`);
}

function checkName(name: string, own: ReadonlySet<string> | undefined): void {
  const problem = checkEditableName(name);
  if (problem !== undefined) malformed(`the header ${shown(name)} ${problem}`);
  if (own?.has(name.toLowerCase())) malformed(`the request header ${shown(name)} is the proxy's own`);
}

/** Another method must not change whether the answer has a body, for the client still waits for what it asked. */
function checkRewrite({ target, method }: Outcome, phase: OutcomePhase, given: string): void {
  if (phase === "response") malformed("it changes the target or method of a request that was sent already");
  if (target !== undefined && (target.length > TARGET_LENGTH_MAX || !TARGET.test(target))) {
    malformed(`it changes the target to ${shown(target)}`);
  }
  if (method === undefined || method === given) return;
  if (method.length > METHOD_LENGTH_MAX || !TOKEN.test(method) || method.toUpperCase() === "CONNECT") {
    malformed(`it changes the method to ${shown(method)}`);
  }
  if (method === "HEAD" || given === "HEAD") malformed(`it changes the method from ${given} to ${method}`);
}

function checkMetadata(metadata: readonly Header[]): void {
  if (metadata.length > METADATA_MAX) {
    malformed(`it leaves ${metadata.length} notes; ${METADATA_MAX} are allowed`);
  }
  for (const { name, value } of metadata) {
    if (name === "" || name.length > METADATA_KEY_LENGTH_MAX || value.length > METADATA_VALUE_LENGTH_MAX) {
      malformed(`its note ${shown(name)} has no name, or is too long`);
    }
  }
}

function checkAudit({ confidence }: Audit): void {
  if (confidence !== undefined && !(confidence >= 0 && confidence <= 1)) {
    malformed(`its confidence is ${confidence}, which is not 0 to 1`);
  }
}

function malformed(message: string): never {
  throw new AgentTrap("malformed", message);
}

function shown(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 39)}…` : text);
}
