import { type RequestContext, Slot } from "../core/context.ts";
import { checkHeaderName } from "../core/header_edits.ts";
import { HeaderList } from "../core/headers.ts";
import type { Kind } from "../core/kind.ts";
import type { Response } from "../core/message.ts";
import { block, duration, flag, type Infer, texts } from "../core/schema.ts";
import { type AllowedOrigins, allowedOrigins, originProblem } from "./cors_origins.ts";
import type { Filter, FilterDeps } from "./filter.ts";

function checkName(name: string): string | undefined {
  return checkHeaderName(name) === undefined ? undefined : `holds "${name}", which is no valid name`;
}

const options = block({
  summary: "Which pages of other origins may use the route's answers, after the Fetch standard.",
  always: true,
  fields: {
    allowedOrigins: texts({
      summary: "Origins of pages; `*` for all, `https://*.example.com` for all names under one.",
      aliases: ["allow-origins", "origins"],
      check: originProblem,
      default: ["*"],
      example: "https://app.example.com",
    }),
    allowedMethods: texts({
      summary: "Methods; `*` for whatever is asked for.",
      aliases: ["allow-methods", "methods"],
      check: checkName,
      default: ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"],
    }),
    allowedHeaders: texts({
      summary: "Request headers; left out or `*`, whatever is asked for.",
      aliases: ["allow-headers"],
      check: checkName,
    }),
    exposedHeaders: texts({
      summary: "Response headers that pages may read.",
      aliases: ["expose-headers"],
      check: checkName,
    }),
    allowCredentials: flag({
      summary: "Pages may send cookies and authorization; the origins must be named then.",
      default: false,
    }),
    maxAgeSecs: duration({
      summary: "How long browsers may remember the answer to a preflight.",
      aliases: ["max-age"],
      unit: "s",
      min: 0,
      max: 86_400 * 30,
      default: 86_400,
    }),
  },
  check(value, report) {
    if (value.allowCredentials && allowedOrigins(value.allowedOrigins).any) {
      report(
        "allowCredentials",
        `"allow-credentials" lets every site act as its visitors when "allowed-origins" is "*"`,
        "name the origins that may send credentials",
      );
    }
  },
});
type Options = Infer<typeof options>;

/** Answers preflights and marks responses for pages of other origins. */
export const cors: Kind<"cors", Options, FilterDeps, Filter> = {
  type: "cors",
  summary: "Lets pages of other origins use the route (CORS).",
  options,
  create: (given) => new CorsFilter(given),
};

class CorsFilter implements Filter {
  readonly #given: Options;
  readonly #origins: AllowedOrigins;
  /** The Origin header as it was before later filters could change it. */
  readonly #origin = new Slot<string>();

  constructor(given: Options) {
    this.#given = given;
    this.#origins = allowedOrigins(given.allowedOrigins);
  }

  onRequest(context: RequestContext) {
    const { headers } = context.head;
    const origin = headers.get("origin");
    if (origin === undefined) return undefined;
    this.#origin.set(context, origin);
    const method = headers.get("access-control-request-method");
    if (context.head.method !== "OPTIONS" || method === undefined || !this.#origins.allows(origin)) {
      return undefined;
    }
    return { response: this.#preflight(context, origin, method), reason: "cors_preflight" };
  }

  onResponse(context: RequestContext, response: Response): void {
    const { headers } = response;
    // Caches must not give one origin what was meant for another, nor for none.
    if (!this.#origins.any) addVary(headers, "Origin");
    const origin = this.#origin.get(context);
    if (origin === undefined) return;
    if (!this.#origins.allows(origin)) {
      headers.remove("access-control-allow-origin");
      headers.remove("access-control-allow-credentials");
      return;
    }
    this.#allow(headers, origin);
    const exposed = this.#given.exposedHeaders;
    if (exposed.length > 0) headers.set("Access-Control-Expose-Headers", exposed.join(", "));
  }

  #allow(headers: HeaderList, origin: string): void {
    headers.set("Access-Control-Allow-Origin", this.#origins.any ? "*" : origin);
    if (this.#given.allowCredentials) headers.set("Access-Control-Allow-Credentials", "true");
    else headers.remove("access-control-allow-credentials");
  }

  #preflight(context: RequestContext, origin: string, method: string): Response {
    const { allowedMethods, allowedHeaders, maxAgeSecs } = this.#given;
    const headers = new HeaderList();
    this.#allow(headers, origin);
    const anyMethod = allowedMethods.includes("*");
    headers.append("Access-Control-Allow-Methods", anyMethod ? echoed(method) : allowedMethods.join(", "));
    const asked = echoed(context.head.headers.joined("access-control-request-headers") ?? "");
    const anyHeader = allowedHeaders.length === 0 || allowedHeaders.includes("*");
    const granted = anyHeader ? asked : allowedHeaders.join(", ");
    if (granted !== "") headers.append("Access-Control-Allow-Headers", granted);
    headers.append("Access-Control-Max-Age", String(Math.trunc(maxAgeSecs)));
    const vary = [
      ...(this.#origins.any ? [] : ["Origin"]),
      ...(anyMethod ? ["Access-Control-Request-Method"] : []),
      ...(anyHeader ? ["Access-Control-Request-Headers"] : []),
    ];
    if (vary.length > 0) headers.append("Vary", vary.join(", "));
    return { status: 204, reason: "", headers, body: null };
  }
}

/** A list of names that a client sent, as a list of names; nothing when it holds anything else. */
function echoed(list: string): string {
  const items = list.split(",").map((item) => item.trim()).filter((item) => item !== "");
  return items.every((item) => checkHeaderName(item) === undefined) ? items.join(", ") : "";
}

function addVary(headers: HeaderList, name: string): void {
  const present = headers.joined("vary")?.toLowerCase().split(",").map((item) => item.trim()) ?? [];
  if (!present.includes("*") && !present.includes(name.toLowerCase())) headers.append("Vary", name);
}
