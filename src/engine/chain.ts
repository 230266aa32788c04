import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { Log } from "../core/ports.ts";
import type { Answer, Filter, Verdict } from "../filters/filter.ts";
import type { PassingMessage, Ruling } from "../tunnel/message.ts";

/** One filter of a route, by its name in the configuration. */
export interface ChainLink {
  readonly id: string;
  readonly type: string;
  readonly filter: Filter;
}

/** What happens when a filter cannot do its work: go on without it, or refuse the request. */
export type FailureMode = "open" | "closed";

/**
 * A route's filters in order. Put together when the snapshot is built; running it allocates nothing
 * unless a filter is asynchronous.
 */
export class Chain {
  readonly links: readonly ChainLink[];
  /** A filter asks for headers as they were received. */
  readonly needsReceived: boolean;
  readonly #failureMode: FailureMode;
  readonly #log: Log;

  constructor(links: readonly ChainLink[], failureMode: FailureMode, log: Log) {
    this.links = links;
    this.needsReceived = links.some(({ filter }) => filter.needsReceived === true);
    this.#failureMode = failureMode;
    this.#log = log;
  }

  /** Runs the filters forward until one answers. `context.chainDepth` is how many saw the request. */
  request(context: RequestContext): MaybePromise<Verdict> {
    return this.links.length === 0 ? undefined : this.#requestFrom(context, 0);
  }

  /** Runs the filters that saw the request backwards over the response. */
  response(context: RequestContext, response: Response): MaybePromise<void> {
    if (context.chainDepth > 0) return this.#responseFrom(context, response, context.chainDepth - 1);
  }

  /**
   * Shows a message of a WebSocket to the filters that saw its request: what the client sends in their order, what
   * comes back in the opposite one. Each sees what those before it made of the message.
   */
  message(context: RequestContext, message: PassingMessage): MaybePromise<Ruling> {
    const start = message.isFromClient ? 0 : context.chainDepth - 1;
    return this.#messageFrom(context, message, { index: start, ruling: undefined });
  }

  /** Tells the filters that saw the request that it is over. */
  end(context: RequestContext): void {
    for (let i = context.chainDepth - 1; i >= 0; i--) {
      const { id, filter } = this.links[i]!;
      try {
        filter.onEnd?.(context);
      } catch (cause) {
        this.#log("error", `Filter "${id}" failed at the end of a request`, { cause: String(cause) });
      }
    }
  }

  dispose(): void {
    for (const { filter } of this.links) filter.dispose?.();
  }

  #requestFrom(context: RequestContext, start: number): MaybePromise<Verdict> {
    for (let i = start; i < this.links.length; i++) {
      const link = this.links[i]!;
      context.chainDepth = i + 1;
      let verdict: MaybePromise<Verdict>;
      try {
        verdict = link.filter.onRequest?.(context);
        if (verdict instanceof Promise) return this.#awaitVerdict(context, i, verdict);
      } catch (cause) {
        verdict = this.#failed(context, link, cause);
      }
      if (context.trace !== null && link.filter.onRequest !== undefined) note(context, link, verdict);
      if (verdict !== undefined) return verdict;
    }
    return undefined;
  }

  async #awaitVerdict(context: RequestContext, index: number, pending: Promise<Verdict>): Promise<Verdict> {
    const link = this.links[index]!;
    let verdict: Verdict;
    try {
      verdict = await pending;
    } catch (cause) {
      verdict = this.#failed(context, link, cause);
    }
    if (context.trace !== null) note(context, link, verdict);
    return verdict ?? await this.#requestFrom(context, index + 1);
  }

  #messageFrom(
    context: RequestContext,
    message: PassingMessage,
    { index, ruling }: { readonly index: number; readonly ruling: Ruling },
  ): MaybePromise<Ruling> {
    const step = message.isFromClient ? 1 : -1;
    let passing = message;
    let last = ruling;
    for (let i = index; i >= 0 && i < context.chainDepth; i += step) {
      const link = this.links[i]!;
      let next: MaybePromise<Ruling>;
      try {
        next = link.filter.onMessage?.(context, passing);
        if (next instanceof Promise) {
          return this.#awaitRuling(context, passing, { index: i, ruling: last, pending: next });
        }
      } catch (cause) {
        next = this.#failed(context, link, cause);
      }
      if (next === undefined) continue;
      if (next.type !== "replace") return next;
      last = next;
      passing = { ...passing, ...next.value };
    }
    return last;
  }

  async #awaitRuling(
    context: RequestContext,
    message: PassingMessage,
    { index, ruling, pending }: {
      readonly index: number;
      readonly ruling: Ruling;
      readonly pending: Promise<Ruling>;
    },
  ): Promise<Ruling> {
    let next: Ruling;
    try {
      next = await pending;
    } catch (cause) {
      next = this.#failed(context, this.links[index]!, cause);
    }
    if (next !== undefined && next.type !== "replace") return next;
    const passing = next === undefined ? message : { ...message, ...next.value };
    const following = message.isFromClient ? index + 1 : index - 1;
    return await this.#messageFrom(context, passing, { index: following, ruling: next ?? ruling });
  }

  #responseFrom(context: RequestContext, response: Response, start: number): MaybePromise<void> {
    for (let i = start; i >= 0; i--) {
      const link = this.links[i]!;
      try {
        const pending = link.filter.onResponse?.(context, response);
        if (pending instanceof Promise) {
          return pending.catch((cause) => void this.#failed(context, link, cause))
            .then(() => this.#responseFrom(context, response, i - 1));
        }
      } catch (cause) {
        this.#failed(context, link, cause);
      }
    }
  }

  /** Fail-open goes on; fail-closed refuses. A `ProxyError` is the filter's own answer and always counts. */
  #failed(context: RequestContext, link: ChainLink, cause: unknown): undefined {
    if (cause instanceof ProxyError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    this.#log("error", `Filter "${link.id}" failed`, { requestId: context.requestId, cause: message });
    if (this.#failureMode === "closed") {
      throw new ProxyError("filter_failed", `filter "${link.id}": ${message}`, { cause });
    }
    context.trace?.note({ step: "filter", subject: link.id, outcome: "failed open", detail: message });
    return undefined;
  }
}

function note(context: RequestContext, link: ChainLink, answer: Answer | undefined): void {
  context.trace?.note(
    answer === undefined ? { step: "filter", subject: link.id, outcome: "continued", detail: link.type } : {
      step: "filter",
      subject: link.id,
      outcome: `answered ${answer.response.status}`,
      detail: `${link.type}: ${answer.reason}`,
    },
  );
}
