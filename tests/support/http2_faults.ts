/** What the rules of HTTP/2 forbid, and what comes of it: for connections over anything, TLS or a fake socket. */

import type { FloodKind } from "../../src/http2/flood_guard.ts";
import { FRAME, H2_ERROR, SETTING } from "../../src/http2/frames.ts";
import { type Fields, frame, FramePeer, get, join, post, settings, u32 } from "./http2_frames.ts";

/** The head of a request whose body is to come. */
export const open = (id = 1) => new FramePeer().headers(id, post(), { isLast: false });
/** Frames one behind the other. */
export const many = (count: number, make: (i: number) => Uint8Array) =>
  join(...Array.from({ length: count }, (_, i) => make(i)));

/** Requests, each given up as soon as it was sent. */
export function rapidResets(count: number): Uint8Array {
  const client = new FramePeer();
  return many(count, (i) => {
    const id = 2 * i + 1;
    return join(client.headers(id, get(), { isLast: true }), frame(FRAME.rstStream, 0, id, u32(8)));
  });
}

/** What is sent behind a client's hello and ends the connection, with which code; floods are counted by kind. */
export const FATAL: readonly {
  readonly name: string;
  readonly sent: Uint8Array;
  readonly want: number;
  readonly flood?: FloodKind;
}[] = [
  { name: "SETTINGS on a stream", sent: frame(FRAME.settings, 0, 1), want: H2_ERROR.protocolError },
  {
    name: "SETTINGS of five octets",
    sent: frame(FRAME.settings, 0, 0, [0, 0, 0, 0, 0]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "SETTINGS that acknowledge something",
    sent: frame(FRAME.settings, 1, 0, [0, 1, 0, 0, 0, 0]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "65 settings",
    sent: settings(...Array.from({ length: 65 }, () => [99, 0] as const)),
    want: H2_ERROR.enhanceYourCalm,
    flood: "settings",
  },
  {
    name: "a window above 2^31-1",
    sent: settings([SETTING.initialWindowSize, 0x80000000]),
    want: H2_ERROR.flowControlError,
  },
  {
    name: "frames below 16384",
    sent: settings([SETTING.maxFrameSize, 16_383]),
    want: H2_ERROR.protocolError,
  },
  { name: "ENABLE_PUSH 2", sent: settings([SETTING.enablePush, 2]), want: H2_ERROR.protocolError },
  {
    name: "PING of seven octets",
    sent: frame(FRAME.ping, 0, 0, [1, 2, 3, 4, 5, 6, 7]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "PING on a stream",
    sent: frame(FRAME.ping, 0, 1, u32(0).concat(u32(0))),
    want: H2_ERROR.protocolError,
  },
  { name: "DATA without a stream", sent: frame(FRAME.data, 0, 0, [1]), want: H2_ERROR.protocolError },
  { name: "DATA on an idle stream", sent: frame(FRAME.data, 0, 1, [1]), want: H2_ERROR.protocolError },
  {
    name: "HEADERS without a stream",
    sent: frame(FRAME.headers, 5, 0, new FramePeer().block(get())),
    want: H2_ERROR.protocolError,
  },
  {
    name: "an even stream",
    sent: new FramePeer().headers(2, get(), { isLast: true }),
    want: H2_ERROR.protocolError,
  },
  {
    name: "HEADERS that depend on themselves",
    sent: frame(FRAME.headers, 0x25, 1, [...u32(1), 16, 0x82]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "HEADERS too short for a priority",
    sent: frame(FRAME.headers, 0x25, 1, [0, 0]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "padding longer than its frame",
    sent: join(open(), frame(FRAME.data, 8, 1, [4, 0, 0, 0])),
    want: H2_ERROR.protocolError,
  },
  { name: "padding of HEADERS", sent: frame(FRAME.headers, 0xd, 1, [9, 0x82]), want: H2_ERROR.protocolError },
  {
    name: "WINDOW_UPDATE by nothing",
    sent: frame(FRAME.windowUpdate, 0, 0, u32(0)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "WINDOW_UPDATE of three octets",
    sent: frame(FRAME.windowUpdate, 0, 0, [0, 0, 1]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "a window that grows too large",
    sent: frame(FRAME.windowUpdate, 0, 0, u32(0x7fffffff)),
    want: H2_ERROR.flowControlError,
  },
  {
    name: "WINDOW_UPDATE on an idle stream",
    sent: frame(FRAME.windowUpdate, 0, 3, u32(1)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "RST_STREAM on an idle stream",
    sent: frame(FRAME.rstStream, 0, 1, u32(8)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "RST_STREAM of five octets",
    sent: join(open(), frame(FRAME.rstStream, 0, 1, [0, 0, 0, 8, 0])),
    want: H2_ERROR.frameSizeError,
  },
  { name: "PUSH_PROMISE", sent: frame(FRAME.pushPromise, 4, 1, u32(2)), want: H2_ERROR.protocolError },
  {
    name: "PRIORITY without a stream",
    sent: frame(FRAME.priority, 0, 0, [0, 0, 0, 0, 1]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "PRIORITY of four octets",
    sent: frame(FRAME.priority, 0, 1, u32(0)),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "a request on a lower stream than the last",
    sent: join(open(5), new FramePeer().headers(3, get(), { isLast: true })),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a request on a stream that was reset",
    sent: join(
      open(),
      frame(FRAME.rstStream, 0, 1, u32(8)),
      new FramePeer().headers(1, get(), { isLast: true }),
    ),
    want: H2_ERROR.protocolError,
  },
  {
    name: "GOAWAY on a stream",
    sent: frame(FRAME.goaway, 0, 1, u32(0).concat(u32(0))),
    want: H2_ERROR.protocolError,
  },
  {
    name: "CONTINUATION of nothing",
    sent: frame(FRAME.continuation, 4, 1, [0x82]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a header block interrupted",
    sent: join(frame(FRAME.headers, 1, 1, [0x82]), frame(FRAME.ping, 0, 0, u32(0).concat(u32(0)))),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a header block continued elsewhere",
    sent: join(frame(FRAME.headers, 1, 1, [0x82]), frame(FRAME.continuation, 4, 3, [0x84])),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a frame longer than agreed",
    sent: Uint8Array.from([0, 0x40, 1, FRAME.data, 0, 0, 0, 0, 1]),
    want: H2_ERROR.frameSizeError,
  },
  {
    name: "a broken header block",
    sent: frame(FRAME.headers, 5, 1, [0x80]),
    want: H2_ERROR.compressionError,
  },
  {
    name: "endless CONTINUATION",
    sent: join(frame(FRAME.headers, 1, 1, [0x82]), many(20, () => frame(FRAME.continuation, 0, 1, []))),
    want: H2_ERROR.enhanceYourCalm,
    flood: "continuation",
  },
  {
    name: "a flood of PING",
    sent: many(3000, () => frame(FRAME.ping, 0, 0, u32(1).concat(u32(2)))),
    want: H2_ERROR.enhanceYourCalm,
    flood: "ping",
  },
  {
    name: "a flood of SETTINGS",
    sent: many(1000, () => settings()),
    want: H2_ERROR.enhanceYourCalm,
    flood: "settings",
  },
  {
    name: "a flood of frames on a stream that is over",
    sent: join(open(), frame(FRAME.rstStream, 0, 1, u32(8)), many(6000, () => frame(FRAME.data, 0, 1))),
    want: H2_ERROR.enhanceYourCalm,
    flood: "closed",
  },
  {
    name: "a flood of empty DATA",
    sent: join(open(), many(2000, () => frame(FRAME.data, 0, 1))),
    want: H2_ERROR.enhanceYourCalm,
    flood: "empty",
  },
  {
    name: "a flood of PRIORITY",
    sent: many(5000, () => frame(FRAME.priority, 0, 1, [0, 0, 0, 0, 1])),
    want: H2_ERROR.enhanceYourCalm,
    flood: "priority",
  },
  {
    name: "a flood of unknown frames",
    sent: many(2000, () => frame(99, 0, 0)),
    want: H2_ERROR.enhanceYourCalm,
    flood: "unknown",
  },
  {
    name: "a flood of tiny WINDOW_UPDATE",
    sent: many(5000, () => frame(FRAME.windowUpdate, 0, 0, u32(1))),
    want: H2_ERROR.enhanceYourCalm,
    flood: "window",
  },
];

/** What is sent on stream 1 behind the head of a request (a POST, or `fields`), and ends that stream alone. */
export const BAD_STREAM: readonly {
  readonly name: string;
  readonly fields?: Fields;
  readonly sent: Uint8Array;
  readonly want: number;
}[] = [
  {
    name: "a window update by nothing",
    sent: frame(FRAME.windowUpdate, 0, 1, u32(0)),
    want: H2_ERROR.protocolError,
  },
  {
    name: "a window that grows too large",
    sent: frame(FRAME.windowUpdate, 0, 1, u32(0x7fffffff)),
    want: H2_ERROR.flowControlError,
  },
  {
    name: "DATA behind the end",
    sent: join(frame(FRAME.data, 1, 1, [1]), frame(FRAME.data, 0, 1, [1])),
    want: H2_ERROR.streamClosed,
  },
  {
    name: "less than announced",
    fields: post("/", [["content-length", "5"]]),
    sent: frame(FRAME.data, 1, 1, [1]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "more than announced",
    fields: post("/", [["content-length", "1"]]),
    sent: frame(FRAME.data, 1, 1, [1, 2]),
    want: H2_ERROR.protocolError,
  },
  {
    name: "HEADERS behind the end",
    sent: join(frame(FRAME.data, 1, 1, [1]), frame(FRAME.headers, 5, 1, [])),
    want: H2_ERROR.streamClosed,
  },
  { name: "a second head", sent: frame(FRAME.headers, 4, 1, [0x88]), want: H2_ERROR.protocolError },
  {
    name: "a pseudo field behind the body",
    sent: frame(FRAME.headers, 5, 1, [0x82]),
    want: H2_ERROR.protocolError,
  },
];

/** What looks odd and is allowed: the connection goes on as if nothing were. */
export const FINE: readonly { readonly name: string; readonly sent: Uint8Array }[] = [
  { name: "an unknown frame", sent: frame(0xfa, 0xff, 7, [1, 2, 3]) },
  { name: "an unknown setting", sent: settings([0xabcd, 1]) },
  { name: "unknown flags on PING", sent: frame(FRAME.ping, 0xfe, 0, [...u32(1), ...u32(2)]) },
  { name: "the reserved bit of a stream id", sent: frame(FRAME.ping, 0, 0x80000000, [...u32(1), ...u32(2)]) },
  { name: "PING that nobody asked for, acknowledged", sent: frame(FRAME.ping, 1, 0, [...u32(1), ...u32(2)]) },
  { name: "PRIORITY on an idle stream", sent: frame(FRAME.priority, 0, 9, [0, 0, 0, 0, 1]) },
  {
    name: "PRIORITY, WINDOW_UPDATE and RST_STREAM on a half-closed stream",
    sent: join(
      new FramePeer().headers(1, get("/hang"), { isLast: true }),
      frame(FRAME.priority, 0, 1, [0, 0, 0, 0, 1]),
      frame(FRAME.windowUpdate, 0, 1, u32(5000)),
      frame(FRAME.rstStream, 0, 1, u32(8)),
    ),
  },
  {
    name: "WINDOW_UPDATE, RST_STREAM, DATA and trailers on a stream that was reset",
    sent: join(
      open(),
      frame(FRAME.rstStream, 0, 1, u32(8)),
      frame(FRAME.windowUpdate, 0, 1, u32(5000)),
      frame(FRAME.rstStream, 0, 1, u32(8)),
      frame(FRAME.data, 0, 1, [1]),
      frame(FRAME.headers, 5, 1, [0x00, 1, 0x61, 1, 0x62]),
    ),
  },
  {
    name: "padding on HEADERS and DATA",
    sent: join(
      frame(FRAME.headers, 0xc, 1, [3, ...new FramePeer().block(post("/hang")), 0, 0, 0]),
      frame(FRAME.data, 0x9, 1, [2, 65, 0, 0]),
    ),
  },
  {
    name: "a header block in pieces, empty ones among them",
    sent: join(
      frame(FRAME.headers, 1, 1, []),
      ...new FramePeer().block(get("/hang")).map((octet) => frame(FRAME.continuation, 0, 1, [octet])).slice(
        0,
        8,
      ),
      frame(FRAME.continuation, 4, 1, new FramePeer().block(get("/hang")).slice(8)),
    ),
  },
  {
    name: "a priority in HEADERS",
    sent: frame(FRAME.headers, 0x25, 1, [0, 0, 0, 0, 9, ...new FramePeer().block(get("/hang"))]),
  },
  {
    name: "a smaller window, then a larger one",
    sent: join(settings([SETTING.initialWindowSize, 0]), settings([SETTING.initialWindowSize, 100_000])),
  },
  { name: "GOAWAY of a client that goes on", sent: frame(FRAME.goaway, 0, 0, [...u32(0), ...u32(0), 1, 2]) },
  {
    name: "half of the settings that would be too many",
    sent: settings(...Array.from({ length: 64 }, () => [99, 0] as const)),
  },
];
