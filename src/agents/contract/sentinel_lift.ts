// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Takes values out of memory. */

import type { Lifter } from "../abi/lift.ts";
import type {
  Audit,
  Block,
  BodyEdit,
  BodyOutcome,
  Challenge,
  CloseReason,
  ConfigProblem,
  Decision,
  Description,
  Detection,
  Field,
  Finding,
  Frame,
  FrameDecision,
  Hash,
  Header,
  HeaderEdit,
  Label,
  LogLevel,
  Opcode,
  Outcome,
  Redirect,
  Severity,
  Signature,
} from "./sentinel_types.ts";

/** Takes a `header` out of memory. */
export function loadHeader(lift: Lifter, at: number): Header {
  return {
    name: lift.string(at),
    value: lift.string(at + 8),
  };
}

/** Takes a list out of memory. */
export function loadHeaderList(lift: Lifter, pointer: number, count: number): readonly Header[] {
  const start = lift.list(pointer, count, { size: 16, align: 4 });
  const end = start + (count >>> 0) * 16;
  const values: Header[] = [];
  for (let at = start; at < end; at += 16) values.push(loadHeader(lift, at));
  return values;
}

/** The `level` with a case number. */
export function nameOfLogLevel(lift: Lifter, tag: number): LogLevel {
  switch (tag) {
    case 0:
      return "debug";
    case 1:
      return "info";
    case 2:
      return "warn";
    case 3:
      return "error";
    default:
      return lift.noSuchCase("level", tag);
  }
}

/** Takes a `field` out of memory. */
export function loadField(lift: Lifter, at: number): Field {
  return {
    key: lift.string(at),
    value: lift.string(at + 8),
  };
}

/** Takes a list out of memory. */
export function loadFieldList(lift: Lifter, pointer: number, count: number): readonly Field[] {
  const start = lift.list(pointer, count, { size: 16, align: 4 });
  const end = start + (count >>> 0) * 16;
  const values: Field[] = [];
  for (let at = start; at < end; at += 16) values.push(loadField(lift, at));
  return values;
}

/** Takes a `label` out of memory. */
export function loadLabel(lift: Lifter, at: number): Label {
  return {
    key: lift.string(at),
    value: lift.string(at + 8),
  };
}

/** Takes a list out of memory. */
export function loadLabelList(lift: Lifter, pointer: number, count: number): readonly Label[] {
  const start = lift.list(pointer, count, { size: 16, align: 4 });
  const end = start + (count >>> 0) * 16;
  const values: Label[] = [];
  for (let at = start; at < end; at += 16) values.push(loadLabel(lift, at));
  return values;
}

/** The `hash` with a case number. */
export function nameOfHash(lift: Lifter, tag: number): Hash {
  switch (tag) {
    case 0:
      return "md5";
    case 1:
      return "sha1";
    case 2:
      return "sha256";
    case 3:
      return "sha384";
    case 4:
      return "sha512";
    default:
      return lift.noSuchCase("hash", tag);
  }
}

/** The `signature` with a case number. */
export function nameOfSignature(lift: Lifter, tag: number): Signature {
  switch (tag) {
    case 0:
      return "rs256";
    case 1:
      return "rs384";
    case 2:
      return "rs512";
    case 3:
      return "ps256";
    case 4:
      return "ps384";
    case 5:
      return "ps512";
    case 6:
      return "es256";
    case 7:
      return "es384";
    case 8:
      return "eddsa";
    default:
      return lift.noSuchCase("signature", tag);
  }
}

/** Takes a `description` out of memory. */
export function loadDescription(lift: Lifter, at: number): Description {
  return {
    id: lift.string(at),
    version: lift.string(at + 8),
    summary: lift.string(at + 16),
  };
}

/** Takes a `config-problem` out of memory. */
export function loadConfigProblem(lift: Lifter, at: number): ConfigProblem {
  return {
    path: lift.string(at),
    message: lift.string(at + 8),
  };
}

/** Takes a list out of memory. */
export function loadConfigProblemList(
  lift: Lifter,
  pointer: number,
  count: number,
): readonly ConfigProblem[] {
  const start = lift.list(pointer, count, { size: 16, align: 4 });
  const end = start + (count >>> 0) * 16;
  const values: ConfigProblem[] = [];
  for (let at = start; at < end; at += 16) values.push(loadConfigProblem(lift, at));
  return values;
}

/** Takes a `block` out of memory. */
export function loadBlock(lift: Lifter, at: number): Block {
  return {
    status: lift.u16(at),
    body: lift.some(lift.u8(at + 4)) ? lift.string(at + 8) : undefined,
    headers: loadHeaderList(lift, lift.u32(at + 16), lift.u32(at + 20)),
  };
}

/** Takes a `redirect` out of memory. */
export function loadRedirect(lift: Lifter, at: number): Redirect {
  return {
    status: lift.u16(at),
    location: lift.string(at + 4),
  };
}

/** Takes a `challenge` out of memory. */
export function loadChallenge(lift: Lifter, at: number): Challenge {
  return {
    kind: lift.string(at),
    params: loadHeaderList(lift, lift.u32(at + 8), lift.u32(at + 12)),
  };
}

/** Takes a `decision` out of memory. */
export function loadDecision(lift: Lifter, at: number): Decision {
  const tag = lift.u8(at);
  switch (tag) {
    case 0:
      return { type: "allow" };
    case 1:
      return { type: "block", value: loadBlock(lift, at + 4) };
    case 2:
      return { type: "redirect", value: loadRedirect(lift, at + 4) };
    case 3:
      return { type: "challenge", value: loadChallenge(lift, at + 4) };
    default:
      return lift.noSuchCase("decision", tag);
  }
}

/** Takes a `header-edit` out of memory. */
export function loadHeaderEdit(lift: Lifter, at: number): HeaderEdit {
  const tag = lift.u8(at);
  switch (tag) {
    case 0:
      return { type: "set", value: loadHeader(lift, at + 4) };
    case 1:
      return { type: "add", value: loadHeader(lift, at + 4) };
    case 2:
      return { type: "remove", value: lift.string(at + 4) };
    default:
      return lift.noSuchCase("header-edit", tag);
  }
}

/** Takes a list out of memory. */
export function loadHeaderEditList(lift: Lifter, pointer: number, count: number): readonly HeaderEdit[] {
  const start = lift.list(pointer, count, { size: 20, align: 4 });
  const end = start + (count >>> 0) * 20;
  const values: HeaderEdit[] = [];
  for (let at = start; at < end; at += 20) values.push(loadHeaderEdit(lift, at));
  return values;
}

/** Takes a list out of memory. */
export function loadStringList(lift: Lifter, pointer: number, count: number): readonly string[] {
  const start = lift.list(pointer, count, { size: 8, align: 4 });
  const end = start + (count >>> 0) * 8;
  const values: string[] = [];
  for (let at = start; at < end; at += 8) values.push(lift.string(at));
  return values;
}

/** Takes a `audit` out of memory. */
export function loadAudit(lift: Lifter, at: number): Audit {
  return {
    tags: loadStringList(lift, lift.u32(at), lift.u32(at + 4)),
    ruleIds: loadStringList(lift, lift.u32(at + 8), lift.u32(at + 12)),
    reasonCodes: loadStringList(lift, lift.u32(at + 16), lift.u32(at + 20)),
    confidence: lift.some(lift.u8(at + 24)) ? lift.f32(at + 28) : undefined,
    custom: loadHeaderList(lift, lift.u32(at + 32), lift.u32(at + 36)),
  };
}

/** Takes a `outcome` out of memory. */
export function loadOutcome(lift: Lifter, at: number): Outcome {
  return {
    decision: loadDecision(lift, at),
    requestHeaders: loadHeaderEditList(lift, lift.u32(at + 28), lift.u32(at + 32)),
    responseHeaders: loadHeaderEditList(lift, lift.u32(at + 36), lift.u32(at + 40)),
    target: lift.some(lift.u8(at + 44)) ? lift.string(at + 48) : undefined,
    method: lift.some(lift.u8(at + 56)) ? lift.string(at + 60) : undefined,
    metadata: loadHeaderList(lift, lift.u32(at + 68), lift.u32(at + 72)),
    audit: loadAudit(lift, at + 76),
    needsMore: lift.bool(at + 116),
  };
}

/** Takes a `body-edit` out of memory. */
export function loadBodyEdit(lift: Lifter, at: number): BodyEdit {
  const tag = lift.u8(at);
  switch (tag) {
    case 0:
      return { type: "keep" };
    case 1:
      return { type: "drop" };
    case 2:
      return { type: "replace", value: lift.bytes(at + 4) };
    default:
      return lift.noSuchCase("body-edit", tag);
  }
}

/** Takes a `body-outcome` out of memory. */
export function loadBodyOutcome(lift: Lifter, at: number): BodyOutcome {
  return {
    outcome: loadOutcome(lift, at),
    edit: loadBodyEdit(lift, at + 120),
  };
}

/** The `opcode` with a case number. */
export function nameOfOpcode(lift: Lifter, tag: number): Opcode {
  switch (tag) {
    case 0:
      return "continuation";
    case 1:
      return "text";
    case 2:
      return "binary";
    case 3:
      return "close";
    case 4:
      return "ping";
    case 5:
      return "pong";
    default:
      return lift.noSuchCase("opcode", tag);
  }
}

/** Takes a `frame` out of memory. */
export function loadFrame(lift: Lifter, at: number): Frame {
  return {
    opcode: nameOfOpcode(lift, lift.u8(at)),
    fin: lift.bool(at + 1),
    data: lift.bytes(at + 4),
  };
}

/** Takes a list out of memory. */
export function loadFrameList(lift: Lifter, pointer: number, count: number): readonly Frame[] {
  const start = lift.list(pointer, count, { size: 12, align: 4 });
  const end = start + (count >>> 0) * 12;
  const values: Frame[] = [];
  for (let at = start; at < end; at += 12) values.push(loadFrame(lift, at));
  return values;
}

/** Takes a `close-reason` out of memory. */
export function loadCloseReason(lift: Lifter, at: number): CloseReason {
  return {
    code: lift.u16(at),
    reason: lift.string(at + 4),
  };
}

/** Takes a `frame-decision` out of memory. */
export function loadFrameDecision(lift: Lifter, at: number): FrameDecision {
  const tag = lift.u8(at);
  switch (tag) {
    case 0:
      return { type: "allow" };
    case 1:
      return { type: "drop" };
    case 2:
      return { type: "replace", value: loadFrame(lift, at + 4) };
    case 3:
      return { type: "answer", value: loadFrameList(lift, lift.u32(at + 4), lift.u32(at + 8)) };
    case 4:
      return { type: "close", value: loadCloseReason(lift, at + 4) };
    default:
      return lift.noSuchCase("frame-decision", tag);
  }
}

/** The `severity` with a case number. */
export function nameOfSeverity(lift: Lifter, tag: number): Severity {
  switch (tag) {
    case 0:
      return "low";
    case 1:
      return "medium";
    case 2:
      return "high";
    case 3:
      return "critical";
    default:
      return lift.noSuchCase("severity", tag);
  }
}

/** Takes a `detection` out of memory. */
export function loadDetection(lift: Lifter, at: number): Detection {
  return {
    category: lift.string(at),
    description: lift.string(at + 8),
    severity: nameOfSeverity(lift, lift.u8(at + 16)),
    confidence: lift.some(lift.u8(at + 20)) ? lift.f32(at + 24) : undefined,
    span: lift.some(lift.u8(at + 28)) ? [lift.u32(at + 32), lift.u32(at + 36)] : undefined,
  };
}

/** Takes a list out of memory. */
export function loadDetectionList(lift: Lifter, pointer: number, count: number): readonly Detection[] {
  const start = lift.list(pointer, count, { size: 40, align: 4 });
  const end = start + (count >>> 0) * 40;
  const values: Detection[] = [];
  for (let at = start; at < end; at += 40) values.push(loadDetection(lift, at));
  return values;
}

/** Takes a `finding` out of memory. */
export function loadFinding(lift: Lifter, at: number): Finding {
  return {
    detected: lift.bool(at),
    confidence: lift.f32(at + 4),
    detections: loadDetectionList(lift, lift.u32(at + 8), lift.u32(at + 12)),
    redacted: lift.some(lift.u8(at + 16)) ? lift.string(at + 20) : undefined,
  };
}
