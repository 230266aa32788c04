import type { RequestContext } from "../core/context.ts";
import type { Random } from "../core/ports.ts";
import { jsonParts } from "./access_log_json.ts";
import { combinedParts, textParts } from "./access_log_text.ts";
import { LineTemplate } from "./line_template.ts";
import type { AccessLogConfig } from "./observability.ts";

/** What of the configuration decides how lines look and which are written. */
export type AccessLogOptions = Pick<
  AccessLogConfig,
  | "format"
  | "fields"
  | "includeTraceId"
  | "sampleRate"
  | "sampleErrorsAlways"
  | "redactHeaders"
  | "redactQueryParams"
>;

const U32_RANGE = 2 ** 32;

const FORMATS = Object.freeze({ json: jsonParts, combined: combinedParts, text: textParts });

/** Makes one line, newline included, of a request that ended. */
export class AccessLog {
  readonly #template: LineTemplate;
  readonly #errorsAlways: boolean;
  /** A draw below this is logged. */
  readonly #sampleBelow: number;
  readonly #random: Random;

  /** `instanceId` tells the lines of several proxies apart. */
  constructor(options: AccessLogOptions, deps: { readonly random: Random; readonly instanceId: string }) {
    this.#template = new LineTemplate(FORMATS[options.format](options, deps.instanceId));
    this.#errorsAlways = options.sampleErrorsAlways;
    this.#sampleBelow = options.sampleRate * U32_RANGE;
    this.#random = deps.random;
  }

  /**
   * The line for a request, or undefined when sampling left it out. `nowMs` is `Clock.nowMs` at the end of
   * the response, `wallMs` the Unix time in milliseconds to print.
   */
  line(context: RequestContext, nowMs: number, wallMs: number): string | undefined {
    return this.#isSampled(context.status) ? this.#template.print(context, nowMs, wallMs) : undefined;
  }

  #isSampled(status: number): boolean {
    if (this.#sampleBelow >= U32_RANGE) return true;
    if (this.#errorsAlways && (status >= 400 || status === 0)) return true;
    return this.#random.u32() < this.#sampleBelow;
  }
}
