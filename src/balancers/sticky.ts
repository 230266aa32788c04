import type { RequestContext } from "../core/context.ts";
import { cookieValue } from "../core/cookies.ts";
import { checkHeaderName } from "../core/header_edits.ts";
import type { Response } from "../core/message.ts";
import { block, duration, flag, oneOf, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { hmacSha256 } from "../core/sha256.ts";
import { adaptive } from "./adaptive.ts";
import type { Balancer, LoadObserver, Target } from "./balancer.ts";
import type { BalancerDeps, BalancerKind } from "./balancer_kind.ts";
import { consistentHash } from "./consistent_hash.ts";
import { defaultsOf } from "./defaults.ts";
import { ipHash } from "./ip_hash.ts";
import { leastConnections } from "./least_connections.ts";
import { maglev } from "./maglev.ts";
import { peakEwma } from "./peak_ewma.ts";
import { powerOfTwoChoices } from "./power_of_two_choices.ts";
import { random } from "./random.ts";
import { roundRobin } from "./round_robin.ts";
import { weighted } from "./weighted.ts";
import { weightedLeastConnections } from "./weighted_least_connections.ts";

/** What may choose a target for clients that have none. */
const FALLBACKS = [
  roundRobin,
  weighted,
  random,
  leastConnections,
  weightedLeastConnections,
  powerOfTwoChoices,
  peakEwma,
  adaptive,
  ipHash,
  consistentHash,
  maglev,
] as const;

const SECRET_LENGTH_MIN = 16;
/** Bytes of the signature that a cookie carries: 96 bits cannot be guessed. */
const TOKEN_BYTES = 12;

const options = block({
  summary: "Options of sticky.",
  always: true,
  fields: {
    cookieName: text({
      summary: "Name of the cookie.",
      aliases: ["cookie"],
      default: "SERVERID",
      // Names of cookies have the syntax of names of headers (RFC 6265 §4.1.1).
      check: (name) => checkHeaderName(name) === undefined ? undefined : "is no valid cookie name",
    }),
    cookieTtl: duration({
      summary:
        "How long a client keeps the cookie, renewed at half of it; 0 means until the browser is closed.",
      aliases: ["cookie-ttl-secs", "ttl", "cookie-max-age"],
      unit: "s",
      min: 0,
      max: 31_536_000,
      default: 3600,
    }),
    cookiePath: text({ summary: "Paths the cookie is for.", default: "/", check: checkAttribute }),
    cookieDomain: text({
      summary: "Hosts the cookie is for; left out, the one that was asked.",
      check: checkAttribute,
    }),
    cookieSecure: flag({ summary: "Sent over HTTPS only.", default: true }),
    cookieHttpOnly: flag({ summary: "Hidden from scripts.", default: true }),
    cookieSameSite: oneOf({
      summary: "Whether requests from other sites carry it.",
      values: { lax: [], strict: [], none: [] },
      default: "lax",
    }),
    secret: text({
      summary:
        "Key the cookie is signed with, the same on all instances; left out, one that follows from the upstream's id, so that clients who know it can choose their target.",
      aliases: ["cookie-secret", "signing-key"],
      check: (secret) =>
        secret.length < SECRET_LENGTH_MIN ? `must have at least ${SECRET_LENGTH_MIN} characters` : undefined,
    }),
    fallback: oneOf({
      summary: "How a target is chosen for clients that have none.",
      aliases: ["fallback-algorithm"],
      values: Object.fromEntries(FALLBACKS.map(({ type, aliases }) => [type, aliases])) as Record<
        typeof FALLBACKS[number]["type"],
        readonly string[]
      >,
      default: "round-robin",
    }),
  },
  check({ cookieSameSite, cookieSecure }, report) {
    if (cookieSameSite === "none" && !cookieSecure) {
      report("cookieSameSite", `browsers refuse "cookie-same-site" none without "cookie-secure"`);
    }
  },
});

type Options = Infer<typeof options>;

/**
 * A client's first target stays its target: a cookie says which one it was. The cookie names a target by a keyed
 * hash of its address (HMAC-SHA-256), which holds over reloads, restarts and instances, tells nothing of the
 * address, and cannot be made up. When the target is not usable another one takes over, with a new cookie.
 */
export const sticky: BalancerKind<"sticky", Options> = {
  type: "sticky",
  aliases: ["sticky-session", "stickysession"],
  summary: "Each client always the same target, by a signed cookie.",
  options,
  shares: "by-key",
  create: <T extends Target>(given: Options, deps: BalancerDeps<T>) => new Sticky(given, deps),
};

/** What may not be in a cookie's attribute (RFC 6265 §4.1.1). */
function checkAttribute(value: string): string | undefined {
  return /^[!-:<-~]+$/.test(value) ? undefined : "must not contain spaces, semicolons or control characters";
}

class Sticky<T extends Target> implements Balancer<T> {
  readonly watchesLoad: boolean;
  readonly observer?: LoadObserver<T>;
  readonly #options: Options;
  readonly #deps: BalancerDeps<T>;
  readonly #fallback: Balancer<T>;
  /** By index. */
  readonly #tokens: readonly string[];
  readonly #byToken: ReadonlyMap<string, T>;
  readonly #attributes: string;
  #usable: readonly T[] | undefined;
  readonly #isUsable: Uint8Array;

  constructor(given: Options, deps: BalancerDeps<T>) {
    this.#options = given;
    this.#deps = deps;
    const kind = FALLBACKS.find(({ type }) => type === given.fallback)! as unknown as BalancerKind;
    this.#fallback = kind.create(defaultsOf(kind.options), deps);
    this.watchesLoad = this.#fallback.watchesLoad ?? false;
    if (this.#fallback.observer !== undefined) this.observer = this.#fallback.observer;
    const sign = signer(given.secret ?? `sentinel sticky ${deps.upstreamId}`);
    this.#tokens = deps.targets.map(({ address }) => sign(`${deps.upstreamId}\n${address}`));
    this.#byToken = new Map(deps.targets.map((target, i) => [this.#tokens[i]!, target]));
    this.#isUsable = new Uint8Array(deps.targets.length);
    this.#attributes = cookieAttributes(given);
  }

  pick(usable: readonly T[], context: RequestContext, excluded: readonly T[] | null): T | undefined {
    if (usable !== this.#usable) this.#adopt(usable);
    const target = this.#targetOf(context);
    if (
      target !== undefined && this.#isUsable[target.index] === 1 &&
      (excluded === null || !excluded.includes(target))
    ) return target;
    return this.#fallback.pick(usable, context, excluded);
  }

  /** Gives the client a cookie, unless it has the one of this target and that is still young. */
  mark(target: T, context: RequestContext, response: Response): void {
    const { cookieName, cookieTtl } = this.#options;
    const token = this.#tokens[target.index]!;
    const cookie = cookieValue(context.head.headers, cookieName);
    const nowSecs = Math.floor(this.#deps.clock.wallMs() / 1000);
    if (cookie !== undefined && tokenOf(cookie) === token) {
      const age = nowSecs - issuedSecs(cookie);
      if (cookieTtl === 0 || (age >= 0 && age < cookieTtl / 2)) return;
    }
    const value = `${token}.${nowSecs.toString(36)}`;
    response.headers.append("Set-Cookie", `${cookieName}=${value}${this.#attributes}`);
  }

  #targetOf(context: RequestContext): T | undefined {
    const cookie = cookieValue(context.head.headers, this.#options.cookieName);
    return cookie === undefined ? undefined : this.#byToken.get(tokenOf(cookie));
  }

  #adopt(usable: readonly T[]): void {
    this.#usable = usable;
    this.#isUsable.fill(0);
    for (const { index } of usable) this.#isUsable[index] = 1;
  }
}

/** A cookie is the token, a dot, and when it was given out, which only decides when it is renewed. */
function tokenOf(cookie: string): string {
  const dot = cookie.indexOf(".");
  return dot < 0 ? cookie : cookie.slice(0, dot);
}

function issuedSecs(cookie: string): number {
  const dot = cookie.indexOf(".");
  const secs = dot < 0 ? NaN : parseInt(cookie.slice(dot + 1, dot + 12), 36);
  return Number.isNaN(secs) ? -Infinity : secs;
}

function signer(secret: string): (text: string) => string {
  const encoder = new TextEncoder();
  const key = encoder.encode(secret);
  return (text) => {
    const signature = hmacSha256(key, encoder.encode(text)).subarray(0, TOKEN_BYTES);
    return btoa(String.fromCharCode(...signature)).replaceAll("+", "-").replaceAll("/", "_");
  };
}

function cookieAttributes(given: Options): string {
  const { cookiePath, cookieDomain, cookieTtl, cookieHttpOnly, cookieSecure, cookieSameSite } = given;
  const site = { lax: "Lax", strict: "Strict", none: "None" }[cookieSameSite];
  return [
    "",
    `Path=${cookiePath}`,
    ...(cookieDomain === undefined ? [] : [`Domain=${cookieDomain}`]),
    ...(cookieTtl === 0 ? [] : [`Max-Age=${Math.round(cookieTtl)}`]),
    ...(cookieHttpOnly ? ["HttpOnly"] : []),
    ...(cookieSecure ? ["Secure"] : []),
    `SameSite=${site}`,
  ].join("; ");
}
