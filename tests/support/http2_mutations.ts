/** HTTP/2 frames at random. */

import fc from "./seeded_check.ts";
import { FRAME } from "../../src/http2/frames.ts";
import { frame, FramePeer, get, post, settings, u32 } from "./http2_frames.ts";

/** Frames that are mostly right, so that the deep places are reached. */
export const anyFrame = fc.oneof(
  fc.record({ id: fc.constantFrom(1, 3, 5, 7), isLast: fc.boolean() }).map(({ id, isLast }) =>
    new FramePeer().headers(id, isLast ? get() : post(), { isLast })
  ),
  fc.record({ id: fc.constantFrom(1, 3, 5, 7), isLast: fc.boolean(), text: fc.string({ maxLength: 50 }) })
    .map(({ id, isLast, text }) =>
      frame(FRAME.data, isLast ? 1 : 0, id, [...new TextEncoder().encode(text)])
    ),
  fc.tuple(fc.constantFrom(0, 1, 3, 5), fc.integer({ min: 0, max: 0x7fffffff }))
    .map(([id, by]) => frame(FRAME.windowUpdate, 0, id, u32(by))),
  fc.tuple(fc.constantFrom(1, 3, 5, 7), fc.integer({ min: 0, max: 14 }))
    .map(([id, code]) => frame(FRAME.rstStream, 0, id, u32(code))),
  fc.tuple(fc.integer({ min: 1, max: 6 }), fc.constantFrom(0, 1, 100, 20_000, 0x7fffffff))
    .map(([id, value]) => settings([id, value])),
  fc.tuple(
    fc.integer({ min: 0, max: 10 }),
    fc.integer({ min: 0, max: 255 }),
    fc.integer({ min: 0, max: 9 }),
    fc.uint8Array({ maxLength: 40 }),
  )
    .map(([type, flags, id, payload]) => frame(type, flags, id, [...payload])),
);
