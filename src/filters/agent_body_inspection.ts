import type { HeaderList } from "../core/headers.ts";
import type { BodyOutcome, Outcome } from "../agents/contract/sentinel_types.ts";
import type { AgentHook } from "../agents/runtime/agent_meter.ts";
import { type BodyChunk, chain } from "../agents/runtime/bound_agent.ts";
import type { CallResult } from "../agents/runtime/live_agent.ts";
import type { BodyMode } from "../agents/options.ts";
import { contentCodings } from "../core/decompress.ts";
import { type ErrorCode, ProxyError } from "../core/errors.ts";
import { type Body, BytesBody, type MaybePromise } from "../core/message.ts";
import { InspectedBody, joinPieces, PrefixedBody, readBeginning } from "./agent_body.ts";
import type { AgentCourse } from "./agent_course.ts";
import { decodeBody, type Decoded, type Decoding } from "./agent_decoding.ts";
import { requestAgents } from "./agent_records.ts";
import type { Answer, Verdict } from "./filter.ts";

/** How the body of one direction is shown. */
export interface BodyDirection {
  readonly hook: AgentHook;
  readonly mode: BodyMode;
  /** Most bytes held at a time. */
  readonly bytesMax: number;
  readonly tooLarge: ErrorCode;
  readonly corrupt: ErrorCode;
  /** Of the message, for its Content-Encoding. */
  readonly headers: HeaderList;
  readonly decoding: Decoding | undefined;
  readonly call: (chunk: BodyChunk) => MaybePromise<CallResult<BodyOutcome>>;
  /** Does what an outcome says as long as nothing was sent; the answer, if it decides against it. */
  readonly apply: (outcome: Outcome) => Verdict;
  /** The same once the beginning was sent; throws to break off. */
  readonly applyLate: (outcome: Outcome) => void;
}

/** What becomes of a body: what to send in its place, unless there is another answer. */
export interface Inspected {
  readonly body: Body | null;
  readonly answer: Answer | undefined;
  /** The rest is shown while it is sent. */
  readonly isStreaming: boolean;
}

/** What was made of one part. */
interface Shown {
  readonly data: Uint8Array | null;
  readonly needsMore: boolean;
  readonly answer: Answer | undefined;
}

const EMPTY = new Uint8Array(0);

/** The note that tells an agent of a body of which it sees the beginning alone; its value is the body's length, if known. */
const BODY_TRUNCATED = "body-truncated";

/** Shows one body to an agent: whole, in parts as it comes, or held until the agent has decided. */
export class BodyInspection {
  readonly #course: AgentCourse;
  readonly #direction: BodyDirection;
  #index = 0;
  /** The agent failed and the body goes on without it. */
  #isOff = false;

  constructor(course: AgentCourse, direction: BodyDirection) {
    this.#course = course;
    this.#direction = direction;
  }

  /** Looks at as much as must be seen before anything is sent. Throws `ProxyError` when the body is refused. */
  begin(body: Body | null, wish: { readonly isNeeded: boolean }): MaybePromise<Inspected> {
    const { mode } = this.#direction;
    if (body === null) return this.#whole(null, EMPTY);
    if (mode === "stream" && !wish.isNeeded) return streaming(this.#stream(body, 0));
    return this.#held(body, { isNeeded: wish.isNeeded, heldMin: heldBytes(mode) });
  }

  /** All of the body in one call. */
  #whole(body: Body | null, data: Uint8Array): MaybePromise<Inspected> {
    return chain(this.#decoded(data), (seen) =>
      chain(this.#show(seen, { isLast: true }), (shown) => {
        if (shown.needsMore && shown.answer === undefined) {
          this.#course.fail(this.#direction.hook, "malformed", "it needs more than the whole body");
        }
        // What was only looked at goes on as it came.
        const isKept = shown.data === seen;
        if (!isKept && seen !== data) this.#direction.headers.remove("content-encoding");
        const isAbsent = body === null && isKept;
        const kept = isAbsent ? null : new BytesBody(isKept ? data : shown.data ?? EMPTY, body?.trailers);
        return { body: kept, answer: shown.answer, isStreaming: false };
      }));
  }

  /** The body without its codings, if the agent wants that. With failure mode open what cannot be decoded is shown as it is. */
  #decoded(data: Uint8Array): MaybePromise<Uint8Array> {
    const { decoding, headers } = this.#direction;
    if (decoding === undefined || this.#isOff || this.#course.isOver) return data;
    const decoding_ = decodeBody(data, headers.joined("content-encoding"), decoding);
    return chain(decoding_ instanceof Promise ? this.#course.patient(decoding_) : decoding_, (decoded) => {
      if (decoded === undefined) return data;
      return decoded.type === "decoded" ? decoded.data : this.#undecodable(data, decoded);
    });
  }

  #undecodable(data: Uint8Array, failed: Decoded & { readonly type: "failed" }): Uint8Array {
    const { hook, tooLarge, corrupt } = this.#direction;
    const { agent, settings, context } = this.#course;
    // A page that is only too long goes to who asked for it, as a plain one of that length would.
    const isLongPage = hook === "response-body" && failed.failure === "too-large" &&
      agent.options.oversizedBodies === "inspect-start";
    const refuses = settings.isClosed && !agent.isShadow && !isLongPage;
    context.trace?.note({
      step: "agent",
      subject: agent.id,
      outcome: refuses ? "refused the body" : "saw the body undecoded",
      detail: `${hook}: ${failed.message}`,
    });
    if (!refuses) return data;
    const code = failed.failure === "too-large" ? tooLarge : corrupt;
    throw new ProxyError(code, `the body cannot be decoded for agent "${agent.id}": ${failed.message}`);
  }

  async #held(
    body: Body,
    { isNeeded, heldMin }: { readonly isNeeded: boolean; readonly heldMin: number },
  ): Promise<Inspected> {
    const { bytesMax } = this.#direction;
    const beginning = await readBeginning(body, Math.min(heldMin, bytesMax));
    if (beginning.isWhole) return this.#whole(body, joinPieces(beginning.pieces));
    if (heldMin > bytesMax) {
      const { oversizedBodies } = this.#course.agent.options;
      // The beginning of what is compressed says nothing of what is in it.
      const codings = contentCodings(this.#direction.headers.joined("content-encoding"));
      const isReadable = this.#direction.decoding === undefined ||
        (codings !== "unknown" && codings.length === 0);
      if (oversizedBodies === "inspect-start" && isReadable) return this.#start(body, beginning.pieces);
      return this.#tooLarge(body, beginning.pieces);
    }
    let received = beginning.bytes;
    let needsMore = isNeeded;
    const kept: Uint8Array[] = [];
    let keptBytes = 0;
    let piece: Uint8Array | null = beginning.bytes > 0 ? joinPieces(beginning.pieces) : EMPTY;
    while (true) {
      if (piece === null || piece.length > 0) {
        const isLast = piece === null || received === body.length;
        const shown = await this.#show(piece ?? EMPTY, { isLast });
        if (shown.answer !== undefined) return { body, answer: shown.answer, isStreaming: false };
        if (shown.data !== null) kept.push(shown.data);
        keptBytes += shown.data?.length ?? 0;
        needsMore = shown.needsMore;
        if (isLast) {
          // Whoever feeds a body lets go of it when its end is read, not with its last piece.
          if (piece !== null) await body.read();
          return this.#decided(kept, { needsMore, trailers: body.trailers });
        }
      }
      if (!needsMore) break;
      if (keptBytes > bytesMax) return this.#tooLarge(body, kept);
      // A copy: the next read overwrites a view, and so may others when nobody waits for the agent any more.
      piece = (await body.read())?.slice() ?? null;
      received += piece?.length ?? 0;
    }
    return streaming(new PrefixedBody(kept, this.#stream(body, received), undefined));
  }

  /** As much of the body as may be held is shown as all of it; the whole goes on as it came. */
  async #start(body: Body, pieces: readonly Uint8Array[]): Promise<Inspected> {
    const { bytesMax, hook } = this.#direction;
    const kept = [...pieces];
    let bytes = kept.reduce((sum, piece) => sum + piece.length, 0);
    while (bytes < bytesMax) {
      const piece = (await body.read())?.slice() ?? null;
      if (piece === null) break;
      kept.push(piece);
      bytes += piece.length;
    }
    requestAgents(this.#course.context, this.#course.agent).note([{
      name: BODY_TRUNCATED,
      value: String(body.length ?? "unknown"),
    }]);
    const shown = await this.#show(joinPieces(kept).subarray(0, bytesMax), { isLast: true });
    this.#course.agent.meter.skipped(hook, "too-large");
    return { body: new PrefixedBody(kept, body, body.length), answer: shown.answer, isStreaming: false };
  }

  #decided(
    kept: readonly Uint8Array[],
    { needsMore, trailers }: { readonly needsMore: boolean; readonly trailers: HeaderList | undefined },
  ): Inspected {
    if (needsMore) {
      this.#course.fail(this.#direction.hook, "malformed", "it needs more than the whole body");
    }
    return { body: new BytesBody(joinPieces(kept), trailers), answer: undefined, isStreaming: false };
  }

  /** Too much would have to be held: with failure mode open the body goes on unseen. */
  #tooLarge(body: Body, pieces: readonly Uint8Array[]): Inspected {
    const { hook, bytesMax, tooLarge } = this.#direction;
    const { agent, settings, context } = this.#course;
    agent.meter.skipped(hook, "too-large");
    context.trace?.note({
      step: "agent",
      subject: agent.id,
      outcome: settings.isClosed ? "refused the body" : "skipped the body",
      detail: `${hook}: longer than ${bytesMax} bytes`,
    });
    if (!settings.isClosed) {
      const length = this.#index === 0 ? body.length : undefined;
      return { body: new PrefixedBody(pieces, body, length), answer: undefined, isStreaming: false };
    }
    body.cancel();
    throw new ProxyError(
      tooLarge,
      `the body is longer than the ${bytesMax} bytes that agent "${agent.id}" may hold`,
    );
  }

  #stream(body: Body, received: number): Body {
    return new InspectedBody(body, (data, { isLast }) => {
      if (this.#isOff || this.#course.isOver) return data;
      return chain(this.#call(data, isLast ? "last" : "more"), (value) => {
        if (value === undefined) {
          this.#isOff = true;
          this.#course.agent.meter.skipped(this.#direction.hook, "failed");
          return data;
        }
        this.#direction.applyLate(value.outcome);
        return editedData(value, data);
      });
    }, { received });
  }

  /** Shows a part while nothing has been sent, and waits no longer than the request does. */
  #show(data: Uint8Array, { isLast }: { readonly isLast: boolean }): MaybePromise<Shown> {
    if (this.#isOff || this.#course.isOver) return { data, needsMore: false, answer: undefined };
    const call = this.#course.patient(this.#call(data, isLast ? "last" : "more"));
    return chain(call, (value) => {
      if (value === undefined) {
        this.#isOff = true;
        this.#course.agent.meter.skipped(this.#direction.hook, "failed");
        return { data, needsMore: false, answer: undefined };
      }
      const answer = this.#direction.apply(value.outcome);
      return { data: editedData(value, data), needsMore: value.outcome.needsMore, answer };
    });
  }

  #call(data: Uint8Array, place: "last" | "more"): MaybePromise<BodyOutcome | undefined> {
    const chunk = { data, index: this.#index++, last: place === "last" };
    return chain(this.#direction.call(chunk), (result) => this.#course.settle(this.#direction.hook, result));
  }
}

function streaming(body: Body): Inspected {
  return { body, answer: undefined, isStreaming: true };
}

/** Bytes that are collected before the agent sees any. */
export function heldBytes(mode: BodyMode): number {
  if (mode === "buffer") return Infinity;
  return mode === "stream" ? 0 : Number(mode.slice("hybrid:".length));
}

function editedData({ edit }: BodyOutcome, data: Uint8Array): Uint8Array | null {
  switch (edit.type) {
    case "keep":
      return data;
    case "drop":
      return null;
    case "replace":
      return edit.value;
  }
}
