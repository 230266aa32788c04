import { HeaderList } from "../core/headers.ts";
import type { Body, RequestHead, Response } from "../core/message.ts";
import type { Timers } from "../core/ports.ts";
import { statusText } from "../http1/status_text.ts";
import { preferredFormat } from "./accept.ts";
import { prettyJson, textResponse } from "./answers.ts";
import { escapeMarkup } from "./escape.ts";
import { code, page, table } from "./page.ts";

/** Longest wait of `/delay/<seconds>`. */
export const DELAY_SECS_MAX = 30;
/** Most chunks of `/stream/<chunks>`. */
export const STREAM_CHUNKS_MAX = 100;
const STREAM_CHUNKS = 10;
const STREAM_INTERVAL_MS = 200;

/** What arrived. `bodyBytes` is how long its body was. */
export interface DemoRequest {
  readonly head: RequestHead;
  readonly bodyBytes: number;
}

/**
 * The demo upstream, so that proxying can be seen at work with nothing else installed: it tells what reached it.
 *
 * `/status/<code>` answers with that status, `/delay/<seconds>` late, `/stream/<chunks>` bit by bit; any other
 * path echoes method, target and headers, as a page for browsers and as JSON for programs.
 */
export function demoResponse(request: DemoRequest, timers: Timers): Response | Promise<Response> {
  const { target } = request.head;
  const mark = target.indexOf("?");
  // The path may have come with the prefix of a route in front.
  const segments = (mark < 0 ? target : target.slice(0, mark)).split("/");
  const last = segments.at(-1)!;
  const name = last === "delay" || last === "stream" ? last : segments.at(-2);
  const argument = name === last ? undefined : last;
  switch (name) {
    case "status":
      return withStatus(argument ?? "");
    case "delay":
      return delayed(request, argument ?? "1", timers);
    case "stream":
      return streamed(argument ?? String(STREAM_CHUNKS), timers);
    default:
      return echo(request);
  }
}

function withStatus(argument: string): Response {
  const status = /^[2-5]\d\d$/.test(argument) ? Number(argument) : 400;
  if (status === 204 || status === 304) return { status, reason: "", headers: new HeaderList(), body: null };
  const why = status === Number(argument)
    ? statusText(status) || "Status"
    : "A status is a number from 200 to 599";
  return plain(status, `${status} ${why}\n`);
}

function delayed(request: DemoRequest, argument: string, timers: Timers): Response | Promise<Response> {
  const seconds = /^\d{1,3}(?:\.\d{1,3})?$/.test(argument) ? Number(argument) : NaN;
  if (!(seconds <= DELAY_SECS_MAX)) {
    return plain(400, `A delay is a number of seconds up to ${DELAY_SECS_MAX}\n`);
  }
  return new Promise((resolve) => timers.after(seconds * 1000, () => resolve(echo(request))));
}

function streamed(argument: string, timers: Timers): Response {
  const chunks = /^\d{1,3}$/.test(argument) ? Number(argument) : NaN;
  if (!(chunks <= STREAM_CHUNKS_MAX)) return plain(400, `A stream has up to ${STREAM_CHUNKS_MAX} chunks\n`);
  const headers = HeaderList.from([["Content-Type", "text/plain; charset=utf-8"], [
    "Cache-Control",
    "no-store",
  ]]);
  return { status: 200, reason: "", headers, body: new LinesBody(chunks, timers) };
}

/** Numbered lines, one at a time. */
class LinesBody implements Body {
  readonly length = undefined;
  readonly #count: number;
  readonly #timers: Timers;
  #sent = 0;
  #stop: (() => void) | undefined;

  constructor(count: number, timers: Timers) {
    this.#count = count;
    this.#timers = timers;
  }

  read(): Promise<Uint8Array | null> | Uint8Array | null {
    if (this.#sent >= this.#count) return null;
    const line = new TextEncoder().encode(`chunk ${++this.#sent} of ${this.#count}\n`);
    if (this.#sent === 1) return line;
    return new Promise((resolve) => {
      const cancelTimer = this.#timers.after(STREAM_INTERVAL_MS, () => resolve(line));
      this.#stop = () => {
        cancelTimer();
        resolve(null);
      };
    });
  }

  cancel(): void {
    this.#sent = this.#count;
    this.#stop?.();
  }
}

function echo(request: DemoRequest): Response {
  const { head } = request;
  const format = preferredFormat<"json" | "html">(head.headers.joined("accept"), [
    { format: "json", mediaTypes: ["application/json"] },
    { format: "html", mediaTypes: ["text/html", "application/xhtml+xml"] },
  ]);
  const [type, text] = format === "html"
    ? ["text/html", echoPage(request)]
    : ["application/json", echoJson(request)];
  return textResponse(200, text, [
    ["Content-Type", `${type}; charset=utf-8`],
    ["Cache-Control", "no-store"],
    ["Vary", "Accept"],
  ]);
}

function echoJson({ head, bodyBytes }: DemoRequest): string {
  const mark = head.target.indexOf("?");
  const headers = new Map<string, string | string[]>();
  for (const [name, value] of head.headers) {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : [before, value].flat());
  }
  return prettyJson({
    service: "sentinel demo upstream",
    method: head.method,
    path: mark < 0 ? head.target : head.target.slice(0, mark),
    query: mark < 0 ? "" : head.target.slice(mark + 1),
    headers: Object.fromEntries(headers),
    body_bytes: bodyBytes,
  });
}

function echoPage({ head, bodyBytes }: DemoRequest): string {
  const rows = [...head.headers].map(([name, value]) => [escapeMarkup(name), code(value)]);
  return page(
    "Sentinel demo upstream",
    `<h1>It works</h1>
<p class="lead">This is the demo upstream, and your request came to it through Sentinel.</p>
<dl>
<dt>Request</dt><dd>${code(`${head.method} ${head.target}`)}</dd>
<dt>Body</dt><dd>${bodyBytes} bytes</dd>
</dl>
<h2>Headers as they arrived</h2>
${table(["Name", "Value"], rows)}
<h2>Other paths below this one</h2>
<p>${code("status/503")} answers with a status, ${code("delay/1")} waits a second, ${
      code("stream/10")
    } sends ten
lines bit by bit, and anything else gives this page.</p>`,
  );
}

function plain(status: number, text: string): Response {
  return textResponse(status, text, [["Content-Type", "text/plain; charset=utf-8"], [
    "Cache-Control",
    "no-store",
  ]]);
}
