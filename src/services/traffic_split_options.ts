import { checkCookieName } from "../core/cookies.ts";
import { checkHeaderName } from "../core/header_edits.ts";
import { repeated } from "../core/named_blocks.ts";
import { Problem } from "../core/reading.ts";
import { block, duration, integer, oneOf, scalar, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { wantedValue } from "./named_value.ts";

/** What decides by the weights: chance, or something of the request that keeps its branch. */
export type SplitKey = "request" | "request-id" | "client-ip" | `header:${string}` | `cookie:${string}`;

const SPLIT_KEYS = `"request", "request-id", "client-ip", "header:Name" or "cookie:name"`;

const by = scalar(
  {
    summary: "What keeps its branch: nothing (each request by chance), or all requests with the same value.",
    default: "request" as SplitKey,
  },
  { type: "value", expected: SPLIT_KEYS, json: { type: "string" } },
  (value): SplitKey | Problem => {
    if (typeof value !== "string") return new Problem(`expects ${SPLIT_KEYS}`);
    const word = value.toLowerCase().replaceAll("_", "-");
    if (word === "request" || word === "request-id" || word === "client-ip") return word;
    const name = value.slice(value.indexOf(":") + 1);
    if (word.startsWith("header:")) {
      return checkHeaderName(name) === undefined
        ? `header:${name.toLowerCase()}`
        : new Problem("has no valid header name");
    }
    if (word.startsWith("cookie:")) {
      return checkCookieName(name) === undefined ? `cookie:${name}` : new Problem("has no valid cookie name");
    }
    return new Problem(`expects ${SPLIT_KEYS}, found "${value}"`);
  },
);

const branch = block({
  summary: "An upstream and its share.",
  args: ["id"],
  fields: {
    id: text({ summary: "Upstream.", required: true }),
    weight: integer({
      summary: "Share among the weights; 0 means only requests that ask for it by header or cookie.",
      min: 0,
      max: 1_000_000,
      default: 1,
    }),
    header: wantedValue("header", "Requests with this header go here whatever the weights."),
    cookie: wantedValue("cookie", "Requests with this cookie go here whatever the weights."),
  },
});

const stickyCookie = block({
  summary: "A cookie that keeps a client on the branch it was given first.",
  args: ["name"],
  fields: {
    name: text({ summary: "Name of the cookie.", required: true, check: checkCookieName }),
    ttlSecs: duration({
      summary: "How long the client keeps it.",
      aliases: ["ttl", "cookie-ttl"],
      unit: "s",
      min: 1,
      max: 31_536_000,
      default: 3600,
    }),
    path: text({
      summary: "Paths the client sends it for.",
      aliases: ["cookie-path"],
      default: "/",
      check: (path) =>
        /^\/[!-:<-~]*$/.test(path) ? undefined : 'must start with "/" and hold no spaces or ";"',
    }),
    sameSite: oneOf({
      summary: "When browsers send it along with requests from other sites.",
      aliases: ["cookie-same-site"],
      values: { lax: [], strict: [], none: [] },
      default: "lax",
    }),
  },
});

/** Shares of a route's requests for several upstreams. */
export const trafficSplit = block({
  summary: "Several upstreams that share the route's requests, for canaries and blue-green deployments.",
  fields: {
    upstreams: repeated({
      summary: "An upstream and its share.",
      name: "upstream",
      aliases: ["upstreams"],
      block: branch,
    }),
    by,
    stickyCookie,
    whenUnavailable: oneOf({
      summary:
        "Where requests go when no target of their upstream is up: to the others by weight, or nowhere (503).",
      values: { others: ["other"], fail: [] },
      default: "others",
    }),
  },
  check(value, report) {
    if (value.upstreams.length === 0) {
      report("upstreams", "traffic-split has no upstreams", 'add: upstream "stable" weight=90');
    } else if (value.upstreams.every(({ weight }) => weight === 0)) {
      report("upstreams", "every upstream of traffic-split has weight 0", "give one of them a weight");
    }
  },
});

/** Options of `traffic-split`. */
export type TrafficSplitOptions = NonNullable<Infer<typeof trafficSplit>>;
