// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `guardrail-handler`. */

import { allocate } from "../arena";
import { guardrailInspect } from "../handlers/guardrail_handler";
import { EMPTY, loadText, loadTexts, storeText, Text } from "../text";
import { countOf, Pair, Some } from "../values";

const RESULT: usize = memory.data(28, 8);
const ZERO: usize = memory.data(28, 8);

/** `inspection` of `guardrail-handler`. */
export class Inspection {
  static readonly PROMPT_INJECTION: u8 = 0;
  static readonly PII_DETECTION: u8 = 1;
}

/** `severity` of `guardrail-handler`. */
export class Severity {
  static readonly LOW: u8 = 0;
  static readonly MEDIUM: u8 = 1;
  static readonly HIGH: u8 = 2;
  static readonly CRITICAL: u8 = 3;
}

/** `detection` of `guardrail-handler`. */
export class Detection {
  category: Text = EMPTY;
  description: Text = EMPTY;
  severity: u8 = 0;
  confidence: Some<f32> | null = null;
  /** Offsets in characters. */
  span: Pair<u32, u32> | null = null;
}

/** Puts Detection into memory; null is all zero. */
export function storeDetection(at: usize, value: Detection | null): void {
  if (value === null) {
    memory.fill(at, 0, 40);
    return;
  }
  storeText(at, value.category);
  storeText(at + 8, value.description);
  store<u8>(at, value.severity, 16);
  const some20 = value.confidence;
  store<u8>(at, <u8> (some20 !== null), 20);
  if (some20 !== null) {
    store<f32>(at, some20.value, 24);
  }
  const some28 = value.span;
  store<u8>(at, <u8> (some28 !== null), 28);
  if (some28 !== null) {
    store<u32>(at, some28.first, 32);
    store<u32>(at, some28.second, 36);
  }
}

/** `subject` of `guardrail-handler`. */
export class Subject {
  inspection: u8 = 0;
  content: Text = EMPTY;
  model: Text | null = null;
  categories!: Text[];
  route: Text | null = null;
}

/** Takes Subject out of memory. */
export function loadSubject(at: usize): Subject {
  const value = new Subject();
  value.inspection = load<u8>(at);
  value.content = loadText(at + 4);
  value.model = load<u8>(at, 12) == 0 ? null : loadText(at + 16);
  value.categories = loadTexts(load<usize>(at, 24), load<i32>(at, 28));
  value.route = load<u8>(at, 32) == 0 ? null : loadText(at + 36);
  return value;
}

/** `finding` of `guardrail-handler`. */
export class Finding {
  detected: bool = false;
  confidence: f32 = 0;
  detections: Detection[] | null = null;
  redacted: Text | null = null;
}

/** Puts Finding into memory; null is all zero. */
export function storeFinding(at: usize, value: Finding | null): void {
  if (value === null) {
    memory.fill(at, 0, 28);
    return;
  }
  store<u8>(at, <u8> value.detected);
  store<f32>(at, value.confidence, 4);
  store<usize>(at, storeDetectionList(value.detections), 8);
  store<i32>(at, countOf(value.detections), 12);
  const some16 = value.redacted;
  store<u8>(at, <u8> (some16 !== null), 16);
  if (some16 !== null) {
    storeText(at + 20, some16);
  }
}

/** The host calls `guardrail-handler#guardrail-inspect`. */
export function guardrailHandler_guardrailInspect(
  p0: i32,
  p1: i32,
  p2: i32,
  p3: i32,
  p4: i32,
  p5: i32,
  p6: i32,
  p7: i32,
  p8: i32,
  p9: i32,
  p10: i32,
): usize {
  const subject = new Subject();
  subject.inspection = <u8> p0;
  subject.content = new Text(p1, p2);
  subject.model = p3 == 0 ? null : new Text(p4, p5);
  subject.categories = loadTexts(p6, p7);
  subject.route = p8 == 0 ? null : new Text(p9, p10);
  const result = guardrailInspect(subject);
  if (result === null) {
    return ZERO;
  }
  storeFinding(RESULT, result);
  return RESULT;
}

function storeDetectionList(list: Detection[] | null): usize {
  if (list === null || list.length == 0) return 0;
  const start = allocate(40 * list.length);
  for (let index = 0; index < list.length; index++) {
    const at = start + 40 * index;
    const each = list[index];
    storeDetection(at, each);
  }
  return start;
}
