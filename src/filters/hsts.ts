import type { Kind } from "../core/kind.ts";
import { block, flag, type Infer, integer } from "../core/schema.ts";
import type { Filter, FilterDeps } from "./filter.ts";

/** What the lists of browsers ask for before they take a site in: a year. */
const PRELOAD_SECONDS_MIN = 31_536_000;

const options = block({
  summary: "How long browsers keep to HTTPS for this host.",
  always: true,
  fields: {
    maxAgeSecs: integer({
      summary: "How long; 0 makes browsers forget.",
      min: 0,
      max: 315_360_000,
      default: PRELOAD_SECONDS_MIN,
    }),
    includeSubdomains: flag({
      summary: "Whether it holds for all names below the host too.",
      default: false,
    }),
    preload: flag({ summary: "Whether lists that come with browsers may take the host in.", default: false }),
  },
  check({ preload, includeSubdomains, maxAgeSecs }, report) {
    if (preload && (!includeSubdomains || maxAgeSecs < PRELOAD_SECONDS_MIN)) {
      report("preload", '"preload" needs include-subdomains #true and max-age-secs of a year at least');
    }
  },
});

/** Tells browsers to come by HTTPS only (RFC 6797): on answers to HTTPS, as plain ones prove nothing (§7.2). */
export const hsts: Kind<"hsts", Infer<typeof options>, FilterDeps, Filter> = {
  type: "hsts",
  summary: "Adds Strict-Transport-Security to answers over HTTPS.",
  options,
  create({ maxAgeSecs, includeSubdomains, preload }): Filter {
    const value = `max-age=${maxAgeSecs}${includeSubdomains ? "; includeSubDomains" : ""}${
      preload ? "; preload" : ""
    }`;
    return {
      onResponse(context, response) {
        if (context.downstream.scheme !== "https") return;
        response.headers.setKeyed("Strict-Transport-Security", "strict-transport-security", value);
      },
    };
  },
};
