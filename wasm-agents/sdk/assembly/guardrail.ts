/** What an inspection of a prompt or an answer found. */

import { Detection, Finding as Raw, Severity } from "./bindings/guardrail_handler";
import { appended } from "./decision";
import { Text } from "./text";
import { Pair, Some } from "./values";

/** One thing that was found. */
export function detectionOf(
  category: string,
  description: string,
  severity: u8 = Severity.MEDIUM,
): Detection {
  const detection = new Detection();
  detection.category = Text.of(category);
  detection.description = Text.of(description);
  detection.severity = severity;
  return detection;
}

/** The finding of an inspection. */
export class Finding {
  /** For the host; null is "nothing found", which costs nothing. */
  raw: Raw | null = null;

  /** Nothing was found. */
  static clean(): Finding {
    return CLEAN;
  }

  /** Adds what was found, and how sure that is, from 0 to 1. */
  withDetection(detection: Detection, confidence: f32 = 1): Finding {
    const finding = this.own();
    const raw = finding.raw!;
    detection.confidence = new Some<f32>(confidence);
    raw.detected = true;
    raw.confidence = max(raw.confidence, confidence);
    raw.detections = appended<Detection>(raw.detections, detection);
    return finding;
  }

  /** The content without what was found. */
  withRedacted(content: string): Finding {
    const finding = this.own();
    finding.raw!.redacted = Text.of(content);
    return finding;
  }

  private own(): Finding {
    if (this.raw !== null) return this;
    const finding = new Finding();
    finding.raw = new Raw();
    return finding;
  }
}

const CLEAN = new Finding();

/** Says where in the content something was found, in characters. */
export function withSpan(detection: Detection, from: u32, to: u32): Detection {
  detection.span = new Pair<u32, u32>(from, to);
  return detection;
}
