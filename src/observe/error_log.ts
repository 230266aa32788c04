import type { RequestContext } from "../core/context.ts";
import { ERRORS } from "../core/errors.ts";
import { jsonText } from "./log_text.ts";
import type { ErrorLogConfig } from "./observability.ts";
import type { LineSink } from "./sink.ts";
import { Timestamps } from "./timestamps.ts";

/** Requests that failed, one JSON object per line: 5xx as `error`, 4xx as `warn`. */
export class ErrorLog {
  readonly #sink: LineSink;
  readonly #leastStatus: number;
  readonly #times = new Timestamps();

  constructor(options: Pick<ErrorLogConfig, "level">, sink: LineSink) {
    this.#sink = sink;
    this.#leastStatus = options.level === "error" ? 500 : 400;
  }

  /** Writes a line when the request failed badly enough; `wallMs` is Unix time in milliseconds. */
  request(context: RequestContext, wallMs: number): void {
    const status = context.status === 0 ? 499 : context.status;
    if (status < this.#leastStatus) return;
    this.#sink.write(this.line(context, wallMs));
  }

  /** The line for a request, whatever its status. */
  line(context: RequestContext, wallMs: number): string {
    const code = context.errorCode;
    const level = context.status >= 500 ? "error" : "warn";
    const message = code === undefined ? `Answered ${context.status}` : ERRORS[code].text;
    let line = `{"timestamp":"${this.#times.iso(wallMs)}","trace_id":${jsonText(context.requestId)}` +
      `,"level":"${level}","message":${jsonText(message)},"status":${context.status}`;
    if (code !== undefined) line += `,"error":"${code}","fault":"${ERRORS[code].fault}"`;
    if (context.route !== null) line += `,"route_id":${jsonText(context.route.id)}`;
    if (context.upstreamId !== undefined) line += `,"upstream":${jsonText(context.upstreamId)}`;
    if (context.targetAddress !== undefined) line += `,"upstream_addr":${jsonText(context.targetAddress)}`;
    if (context.errorDetail !== undefined) line += `,"details":${jsonText(context.errorDetail)}`;
    return line + "}\n";
  }
}
