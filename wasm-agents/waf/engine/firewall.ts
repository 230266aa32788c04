/** The firewall: what it does at each step of a request. */

import {
  BodyDecision,
  Bytes,
  ByteWriter,
  Chunk,
  clock,
  Decision,
  EMPTY,
  field,
  log,
  Request,
  Response,
  Text,
} from "sentinel";
import * as http from "sentinel/bindings/http";
import { Regex } from "../regex/regex";
import { ENGINE_OFF, ENGINE_ON } from "../seclang/model";
import { LIMIT_REJECT } from "../seclang/settings";
import { VAR_OUTBOUND_DATA_ERROR, VAR_RESPONSE_BODY } from "../seclang/variables";
import { isSameWord } from "../seclang/words";
import { announcesBody, chooseProcessor, isTypeRead, mediaType, readRequestBody } from "./bodies";
import { clearCollections, hasCollections, saveCollections } from "./collections";
import { Setup } from "./configuration";
import { clearVerdict, endedBy, runPhase } from "./execute";
import { clearExpanded } from "./expand";
import { clearFacts, serialFact } from "./facts";
import { dropState, loadState, saveState } from "./keeping";
import { clearLists, newEpoch, setSingle } from "./lists";
import { clearMatched } from "./matched";
import { clearMatches, matchCount, matchRecord } from "./matches";
import { clearRemovals, hasRemovals } from "./removals";
import { clearCaptureWork } from "./shown_captures";
import { findBlock, hasBlocks } from "./slots";
import { clearStores } from "./stores";
import * as transaction from "./transaction";
import { startCacheCall } from "./value_cache";
import { decision, refusal } from "./verdict";

let setup: Setup = new Setup();

const ONE: Bytes = Bytes.of("1");
const CONTENT_TYPE = Bytes.of("content-type").asText();

/** Sets what was configured. */
export function useSetup(made: Setup): void {
  setup = made;
}

/** The head of a request: phase 1, and phase 2 when no body is to come. */
export function judgeRequest(request: Request): Decision {
  if (setup.settings.engine == ENGINE_OFF) return Decision.allow();
  startCall(request, null);
  startTransaction(request);
  runPhase(1);
  const waits = endedBy == 0 && transaction.readsBody && announcesBody();
  if (!waits && endedBy == 0) runPhase(2);
  keep(request, EMPTY, waits || setup.hasLaterPhases && endedBy == 0);
  return decision(waits);
}

/**
 * A piece of the request's body. Whatever of a body cannot be kept until its end comes counts as over the limit: it must not
 * go by unseen.
 */
export function judgeRequestBody(request: Request, chunk: Chunk): BodyDecision {
  if (setup.settings.engine == ENGINE_OFF) return BodyDecision.keep();
  startCall(request, null);
  const isLost = chunk.index > 0 && findBlock(idOf(request)) == 0;
  const before = resume(request);
  if (!transaction.readsBody || endedBy != 0) return BodyDecision.keep();
  const body = before.length == 0 ? chunk.bytes : joined(before, chunk.bytes);
  let isOver = isLost || body.length > transaction.requestBodyLimit;
  if (!chunk.isLast && !isOver) {
    if (keep(request, body, true)) return BodyDecision.decide(Decision.allow().needsMore());
    isOver = true;
  }
  if (isOver && setup.settings.requestBodyLimitAction == LIMIT_REJECT && transaction.engine == ENGINE_ON) {
    transaction.setReadsBody(false);
    keep(request, EMPTY, setup.hasLaterPhases);
    return BodyDecision.decide(refusal(413, "WAF_BODY_LIMIT"));
  }
  const isTooMuch = readRequestBody(body, setup.settings, isOver);
  if (isTooMuch && setup.settings.requestBodyLimitAction == LIMIT_REJECT && transaction.engine == ENGINE_ON) {
    transaction.setReadsBody(false);
    keep(request, EMPTY, false);
    return BodyDecision.decide(refusal(413, "WAF_BODY_LIMIT"));
  }
  runPhase(2);
  // What comes behind the limit is not looked at.
  if (isOver) transaction.setReadsBody(false);
  keep(request, EMPTY, !chunk.isLast || setup.hasLaterPhases && endedBy == 0);
  return BodyDecision.decide(decision(false));
}

/** The head of a response: phase 3, and phase 4 when its body is not read. */
export function judgeResponse(request: Request, response: Response): Decision {
  if (setup.settings.engine == ENGINE_OFF || !setup.hasLaterPhases) {
    return Decision.allow();
  }
  // What is kept of the request goes when it ends.
  if (!setup.hasLaterPhasesWithoutBody && !isTypeListed(response)) return Decision.allow();
  startCall(request, response);
  resume(request);
  runPhase(3);
  const waits = endedBy == 0 && readsBodyOf(response);
  if (!waits && endedBy == 0) runPhase(4);
  keep(request, EMPTY, waits);
  return decision(waits);
}

/** A piece of the response's body. */
export function judgeResponseBody(
  request: Request,
  response: Response,
  chunk: Chunk,
): BodyDecision {
  if (setup.settings.engine == ENGINE_OFF || !setup.hasLaterPhases) {
    return BodyDecision.keep();
  }
  startCall(request, response);
  const before = resume(request);
  if (endedBy != 0 || !readsBodyOf(response)) return BodyDecision.keep();
  let body = before.length == 0 ? chunk.bytes : joined(before, chunk.bytes);
  const limit = transaction.responseBodyLimit;
  let isOver = body.length > limit;
  if (!chunk.isLast && !isOver) {
    if (keep(request, body, true)) return BodyDecision.decide(Decision.allow().needsMore());
    isOver = true;
  }
  if (isOver && setup.settings.responseBodyLimitAction == LIMIT_REJECT && transaction.engine == ENGINE_ON) {
    transaction.setReadsResponseBody(false);
    keep(request, EMPTY, false);
    return BodyDecision.decide(refusal(502, "WAF_RESPONSE_BODY_LIMIT"));
  }
  if (isOver) {
    body = new Bytes(body.at, min(body.length, limit));
    setSingle(VAR_OUTBOUND_DATA_ERROR, ONE.at, ONE.length);
    transaction.setReadsResponseBody(false);
  }
  setSingle(VAR_RESPONSE_BODY, body.at, body.length);
  newEpoch();
  runPhase(4);
  keep(request, EMPTY, !chunk.isLast);
  return BodyDecision.decide(decision(false));
}

/** The request is over: phase 5, and what lasts is written. */
export function finishRequest(request: Request): void {
  if (setup.settings.engine == ENGINE_OFF || !hasBlocks()) return;
  bindCall(request, null);
  const id = idOf(request);
  const block = findBlock(id);
  if (block == 0) return;
  if (!setup.hasLastPhase && !setup.usesCollections) return dropState(id);
  clearCall();
  loadState(block);
  if (setup.hasLastPhase) runPhase(5);
  saveCollections();
  dropState(id);
  if (setup.logsLastPhase && matchCount() > 0) logMatches();
}

/** The name of the request at hand, once it was asked for. A bare address, so that the call's memory is not kept for it. */
let idAt: usize = 0;
let idLength: i32 = 0;

/** What a request's state is found by. Its id will not do where there is better, for clients can choose that. */
function idOf(request: Request): Bytes {
  if (idAt == 0) {
    const serial = serialFact();
    const id: Bytes = serial === null ? http.requestId(request.handle) : serial;
    idAt = id.at;
    idLength = id.length;
  }
  return new Bytes(idAt, idLength);
}

/** A call begins: nothing is gathered. */
function startCall(request: Request, response: Response | null): void {
  bindCall(request, response);
  clearCall();
}

/** A call is about these. */
function bindCall(request: Request, response: Response | null): void {
  if (response === null) transaction.bindMessages(request.handle, 0, false);
  else transaction.bindMessages(request.handle, response.handle, true);
  idAt = 0;
  clearFacts();
}

/** What calls before have gathered goes. */
function clearCall(): void {
  startCacheCall();
  clearLists();
  clearMatched();
  clearMatches();
  clearExpanded();
  Regex.startCall();
  clearCaptureWork();
}

function startTransaction(request: Request): void {
  transaction.resetTransaction(setup.settings);
  clearVerdict();
  clearRemovals();
  setup.exclusions.apply(request);
  clearStores(!hasRemovals());
  clearCollections();
  if (setup.usesDuration) transaction.setStartedMs(clock.monotonicMs());
  chooseProcessor(setup.takesJsonAndXml);
  if (!isTypeRead(setup.settings.requestTypes)) transaction.setReadsBody(false);
}

/** Goes on where the last call ended, and gives the piece of a body that it kept; begins anew when that is lost. */
function resume(request: Request): Bytes {
  const block = findBlock(idOf(request));
  if (block != 0) return loadState(block);
  startTransaction(request);
  runPhase(1);
  if (transaction.hasResponse) runPhase(2);
  return EMPTY;
}

/** Keeps the state while it is wanted; false when there is no room for it. `isWanted`: a call will follow that judges. */
function keep(request: Request, body: Bytes, isWanted: bool): bool {
  if (isWanted || setup.hasLastPhase || hasCollections()) return saveState(idOf(request), body);
  if (hasBlocks()) dropState(idOf(request));
  return true;
}

function joined(first: Bytes, second: Bytes): Bytes {
  const writer = new ByteWriter(first.length + second.length);
  writer.bytes(first);
  writer.bytes(second);
  return writer.text;
}

/** Whether the body of a response is looked at: by the switch, and by its type. */
function readsBodyOf(response: Response): bool {
  return transaction.readsResponseBody && isTypeListed(response);
}

/** Whether the body of a response is of a type that is looked at. */
function isTypeListed(response: Response): bool {
  const header = response.headerText(CONTENT_TYPE);
  const type: Bytes = header === null ? EMPTY : mediaType(header);
  const types = setup.settings.responseTypes;
  for (let index = 0; index < types.length; index++) {
    if (isSameWord(types[index], type)) return true;
    if (
      type.length == 0 && types[index].length == 6 &&
      types[index].asText().is("(null)")
    ) return true;
  }
  return false;
}

/** Matches of the last phase come too late for a decision. */
function logMatches(): void {
  for (let index = 0; index < matchCount(); index++) {
    const record = matchRecord(index);
    const message = new Bytes(load<usize>(record, 24), load<i32>(record, 28));
    log.info("waf", [field("message", message.toString())]);
  }
}
