import type { RequestContext } from "../core/context.ts";
import { continueTraceparent, type IdFormat, IdSource, incomingId } from "../core/ids.ts";
import type { Clock, Random } from "../core/ports.ts";

/** Continues the client's request id and trace where they are well-formed, and makes them otherwise. */
export class RequestNames {
  readonly #ids: IdSource;
  readonly #clock: Clock;
  readonly #random: Random;

  constructor(format: IdFormat, deps: { readonly clock: Clock; readonly random: Random }) {
    this.#ids = new IdSource(format, deps.random);
    this.#clock = deps.clock;
    this.#random = deps.random;
  }

  /** Sets `requestId` and `traceparent`. */
  name(context: RequestContext): void {
    const { headers } = context.head;
    context.requestId = incomingId(headers) ?? this.#ids.create(this.#clock.wallMs());
    context.traceparent = continueTraceparent(headers.get("traceparent"), this.#random);
  }
}
