import type { FrameReader } from "./frame_reader.ts";
import { fault, FRAME, H2_ERROR } from "./frames.ts";

/** What frames of a type must look like (RFC 9113 §6). */
interface Shape {
  readonly name: string;
  /** Whether it belongs to a stream or to the connection; undefined where it may be either. */
  readonly of?: "stream" | "connection";
  /** Octets of its payload: exactly so many, or so many at least. */
  readonly length?: number;
  readonly lengthMin?: number;
}

const SHAPES: Readonly<Record<number, Shape>> = {
  [FRAME.data]: { name: "DATA", of: "stream" },
  [FRAME.headers]: { name: "HEADERS", of: "stream" },
  [FRAME.priority]: { name: "PRIORITY", of: "stream", length: 5 },
  [FRAME.rstStream]: { name: "RST_STREAM", of: "stream", length: 4 },
  [FRAME.settings]: { name: "SETTINGS", of: "connection" },
  [FRAME.ping]: { name: "PING", of: "connection", length: 8 },
  [FRAME.goaway]: { name: "GOAWAY", of: "connection", lengthMin: 8 },
  [FRAME.windowUpdate]: { name: "WINDOW_UPDATE", length: 4 },
};

/** Checks what can be said of a frame without knowing its stream. Throws `ConnectionFault`. */
export function checkShape({ type, streamId, start, end }: FrameReader): void {
  const shape = SHAPES[type];
  if (shape === undefined) return;
  const { name, of, length, lengthMin = 0 } = shape;
  if (of === "stream" && streamId === 0) fault(H2_ERROR.protocolError, `${name} without a stream`);
  if (of === "connection" && streamId !== 0) fault(H2_ERROR.protocolError, `${name} on a stream`);
  if (end - start < lengthMin || (length !== undefined && end - start !== length)) {
    fault(H2_ERROR.frameSizeError, `${name} has a broken length`);
  }
}
