import type { AgentOptions } from "../agents/options.ts";
import type { AgentFailure } from "../agents/runtime/agent_meter.ts";
import type { LiveAgent } from "../agents/runtime/live_agent.ts";
import type { RequestContext } from "../core/context.ts";
import { Slot } from "../core/context.ts";
import type { Decompress } from "../core/decompress.ts";
import { ProxyError } from "../core/errors.ts";
import type { Kind } from "../core/kind.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import { block, bytes, duration, flag, type Infer, oneOf, text } from "../core/schema.ts";
import type { PassingMessage, Ruling } from "../tunnel/message.ts";
import { AgentCourse, type CourseSettings } from "./agent_course.ts";
import type { Decoding } from "./agent_decoding.ts";
import { plainStatusPage, type StatusPage } from "./agent_decisions.ts";
import { AgentRecord } from "./agent_records.ts";
import type { Filter, FilterDeps, Verdict } from "./filter.ts";
import { seesReceived } from "./received_headers.ts";

const options = block({
  summary: "Which agent looks at requests, and when.",
  always: true,
  fields: {
    agent: text({ summary: "The agent's id.", required: true }),
    timeoutMs: duration({
      summary: "Longest call that waits, in place of the agent's own timeout-ms.",
      aliases: ["timeout"],
      unit: "ms",
      min: 1,
      max: 600_000,
    }),
    failureMode: oneOf({
      summary: "When the agent fails: go on without it, or refuse the request. Left out, as the agent says.",
      values: { open: ["fail-open", "failopen"], closed: ["fail-closed", "failclosed"] },
    }),
    phase: oneOf({
      summary: "Whether the agent sees requests, responses or both.",
      values: { request: [], response: [], both: [] },
      default: "both",
    }),
    inspectBody: flag({ summary: "Whether it sees bodies; left out, if it handles them." }),
    maxBodyBytes: bytes({
      summary: "Bytes of one body held for it, in place of the agent's own bounds.",
      aliases: ["max-body-size"],
      min: 1,
      max: 1024 ** 3,
    }),
  },
});

/** Options of an agent filter. */
export type AgentFilterOptions = Infer<typeof options>;

/** What agent filters may reach besides what all filters may. */
export interface AgentFilterDeps extends FilterDeps {
  /** The route's page for a status; a plain text when left out. */
  readonly statusPage?: StatusPage | undefined;
  /** What is to happen when an agent fails, by its own options; undefined for one that nobody knows. */
  readonly agentMode?: ((id: string) => AgentOptions["failureMode"] | undefined) | undefined;
  /** Undoes codings of bodies; needed by agents with decode-bodies. */
  readonly decompress?: Decompress | undefined;
}

/** Shows requests and responses to an agent, and does what it decides. */
export const agent: Kind<"agent", AgentFilterOptions, AgentFilterDeps, Filter> = {
  type: "agent",
  summary: "Lets an agent decide about requests and change them.",
  options,
  create(given, deps): Filter {
    const live = deps.agents.find(given.agent);
    return live === undefined ? new AbsentAgentFilter(given, deps) : new AgentFilter(given, deps, live);
  },
};

class AgentFilter implements Filter {
  readonly needsReceived: boolean;
  readonly #agent: LiveAgent;
  readonly #settings: CourseSettings;
  readonly #course = new Slot<AgentCourse>();

  constructor(given: AgentFilterOptions, deps: AgentFilterDeps, live: LiveAgent) {
    const { options: own } = live;
    const handlesBodies = live.handles("request-body") || live.handles("response-body");
    if (given.inspectBody === true && !handlesBodies) {
      throw new Error(
        `filter "${deps.id}" has inspect-body, but agent "${live.id}" does not handle bodies: it handles ` +
          `${[...live.events].join(", ") || "nothing"}`,
      );
    }
    const seesResponses = given.phase !== "request";
    const seesBodies = given.inspectBody ?? handlesBodies;
    const completes = live.handles("request-complete");
    const responseBodies = seesResponses && seesBodies && live.handles("response-body");
    const requestBytesMax = Math.min(given.maxBodyBytes ?? own.maxRequestBodyBytes, live.bodyBytesMax);
    const responseBytesMax = Math.min(given.maxBodyBytes ?? own.maxResponseBodyBytes, live.bodyBytesMax);
    const decoding = (bytesMax: number): Decoding | undefined => {
      if (!own.decodeBodies) return undefined;
      if (deps.decompress === undefined) throw new Error("nothing here can decode bodies");
      return { decompress: deps.decompress, ratioMax: own.maxDecompressionRatio, bytesMax };
    };
    this.needsReceived = seesReceived(live);
    this.#agent = live;
    this.#settings = {
      clock: deps.clock,
      timers: deps.timers,
      statusPage: deps.statusPage ?? plainStatusPage,
      timeoutMs: given.timeoutMs,
      isClosed: (given.failureMode ?? own.failureMode) === "closed",
      seesRequests: given.phase !== "response",
      seesResponses,
      seesBodies,
      endsWithRequest: !completes && !responseBodies && !(seesResponses && live.handles("response-headers")),
      endsWithResponseHead: !completes && !responseBodies,
      requestBytesMax,
      responseBytesMax,
      requestDecoding: decoding(requestBytesMax),
      responseDecoding: decoding(responseBytesMax),
    };
  }

  onRequest(context: RequestContext): MaybePromise<Verdict> {
    const course = new AgentCourse(context, this.#agent, this.#settings);
    this.#course.set(context, course);
    return course.request();
  }

  onResponse(context: RequestContext, response: Response): MaybePromise<void> {
    return this.#course.get(context)?.respond(response);
  }

  onMessage(context: RequestContext, message: PassingMessage): MaybePromise<Ruling> {
    return this.#course.get(context)?.message(message);
  }

  onEnd(context: RequestContext): void {
    this.#course.get(context)?.end();
  }
}

/**
 * Stands in for an agent that there is not, as when its file was removed or this thread could not start it: the
 * filter's failure mode decides, or else its own.
 */
class AbsentAgentFilter implements Filter {
  readonly #id: string;
  readonly #isClosed: boolean;

  constructor(given: AgentFilterOptions, deps: AgentFilterDeps) {
    this.#id = given.agent;
    const failureMode = given.failureMode ?? deps.agentMode?.(given.agent) ?? "open";
    this.#isClosed = failureMode === "closed";
    deps.log("warn", `Filter "${deps.id}" has no agent "${given.agent}"`, { failureMode });
  }

  onRequest(context: RequestContext): undefined {
    const kind: AgentFailure = "absent";
    const record = new AgentRecord({ id: this.#id, isShadow: false });
    record.failed(kind, 0);
    (context.agentNotes ??= []).push(record);
    context.trace?.note({ step: "agent", subject: this.#id, outcome: "failed", detail: kind });
    if (this.#isClosed) throw new ProxyError("agent_failed", `there is no agent "${this.#id}"`);
    return undefined;
  }
}
