import type { RequestContext } from "../core/context.ts";
import type { Kind } from "../core/kind.ts";
import type { Response } from "../core/message.ts";
import type { Clock } from "../core/ports.ts";
import { refused } from "../core/refused.ts";
import { block, flag, type Infer, oneOf, texts } from "../core/schema.ts";
import { Redactor } from "../observe/redact.ts";
import type { Filter, FilterDeps } from "./filter.ts";

/** What is written of a request when its phase knows it. */
const FIELDS = {
  request_id: (context) => context.requestId,
  method: (context) => context.head.method,
  host: (context) => context.head.host,
  path: (context) => context.path,
  query: (context, { redactor }) => redactor.query(context.query),
  client_ip: (context) => context.clientIp,
  user_agent: (context) => context.head.headers.get("user-agent"),
  referer: (context, { redactor }) => {
    const referer = context.head.headers.get("referer");
    return referer === undefined ? undefined : redactor.url(referer);
  },
  route_id: (context) => context.route?.id,
  upstream: (context) => context.upstreamId,
  target: (context) => context.targetAddress,
  status: (_context, { response }) => response?.status,
  duration_ms: (context, { response, clock }) => {
    return response === undefined ? undefined : Math.round((clock.nowMs() - context.startedMs) * 1000) / 1000;
  },
} as const satisfies Record<string, (context: RequestContext, phase: Phase) => string | number | undefined>;

type Field = keyof typeof FIELDS;

interface Phase {
  readonly redactor: Redactor;
  readonly clock: Clock;
  /** Undefined in the request phase. */
  readonly response?: Response;
}

const NAMES: readonly string[] = Object.keys(FIELDS);
const DEFAULT_NAMES = [
  "request_id",
  "method",
  "host",
  "path",
  "client_ip",
  "route_id",
  "status",
  "duration_ms",
];

const options = block({
  summary: "What is written to the application log, in addition to the access log.",
  always: true,
  fields: {
    logRequest: flag({ summary: "A line when the request arrives at the filter.", default: true }),
    logResponse: flag({ summary: "A line when the response does.", default: true }),
    level: oneOf({
      summary: "Level of the lines.",
      values: { trace: [], debug: [], info: [], warn: ["warning"], error: [] },
      default: "info",
    }),
    fields: texts({
      summary: `Fields of a line: ${NAMES.map((name) => name.replaceAll("_", "-")).join(", ")}.`,
      check: (name) => {
        return NAMES.includes(fieldName(name))
          ? undefined
          : `has no field "${name}": known are ${NAMES.join(", ")}`;
      },
      default: DEFAULT_NAMES,
    }),
    logBody: refused({
      summary: "Bodies in the log.",
      hint: "remove it: bodies hold secrets and are not logged",
    }),
    maxBodyLogSize: refused({
      summary: "Bytes of a body in the log.",
      aliases: ["max-body-log-size-bytes"],
      hint: "remove it: bodies are not logged",
    }),
  },
  check(value, report) {
    if (!value.logRequest && !value.logResponse) {
      report("logRequest", "the filter logs nothing", "leave out log-request or log-response");
    }
  },
});
type Options = Infer<typeof options>;

/** Writes lines about the requests of a route to the application log. Secrets in queries are left out. */
export const log: Kind<"log", Options, FilterDeps, Filter> = {
  type: "log",
  aliases: ["logging"],
  summary: "Writes requests and responses of the route to the application log.",
  options,
  create(given, deps): Filter {
    const fields = given.fields.map(fieldName) as Field[];
    const redactor = new Redactor();
    const { clock } = deps;
    const write = (message: string, context: RequestContext, response?: Response) => {
      const phase: Phase = response === undefined ? { redactor, clock } : { redactor, clock, response };
      const values: Record<string, string | number> = { filter: deps.id };
      for (const field of fields) {
        const value = FIELDS[field](context, phase);
        if (value !== undefined && value !== "") values[field] = value;
      }
      deps.log(given.level, message, values);
    };
    const filter: Filter = {};
    if (given.logRequest) {
      filter.onRequest = (context) => {
        write("Request", context);
        return undefined;
      };
    }
    if (given.logResponse) filter.onResponse = (context, response) => write("Response", context, response);
    return filter;
  },
};

function fieldName(name: string): string {
  return name.toLowerCase().replaceAll("-", "_");
}
