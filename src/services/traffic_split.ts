import type { RequestContext } from "../core/context.ts";
import { cookieValue } from "../core/cookies.ts";
import type { MaybePromise, Response } from "../core/message.ts";
import type { Random } from "../core/ports.ts";
import { shareOf } from "../core/share.ts";
import { wireText } from "../core/wire_text.ts";
import type { WantedValue } from "./named_value.ts";
import type { Service } from "./service.ts";
import type { SplitKey, TrafficSplitOptions } from "./traffic_split_options.ts";

/** The branch of a request id does not depend on other decisions about it. */
const SALT = 0x5917;
/** Sticky cookies name a branch without giving its upstream's name away. */
const COOKIE_SALT = 0xc00c1e;
const TWO_TO_THE_32 = 0x1_0000_0000;

/** Why a request took its branch; a metric label. */
export const SPLIT_REASONS = Object.freeze(["header", "cookie", "sticky", "weight", "unavailable"] as const);
export type SplitReason = typeof SPLIT_REASONS[number];

/** What is counted of the choices; `observe/split_meter.ts` has the real one. */
export interface SplitMeter {
  /** `branch` counts from 0, as the configuration has them. */
  chosen(branch: number, reason: SplitReason): void;
}

/** An upstream that takes a part of a route's requests. */
export interface SplitBranch {
  /** Its upstream, as logs and explanations name it. */
  readonly id: string;
  readonly service: Service;
  /** Whether any target of it takes requests now. */
  isAvailable(): boolean;
}

/** What a split is made of. */
export interface SplitDeps {
  readonly options: TrafficSplitOptions;
  /** One for each of the options' upstreams, in their order. */
  readonly branches: readonly SplitBranch[];
  readonly random: Random;
  readonly meter: SplitMeter;
}

/**
 * Shares requests among upstreams. In this order: what a request asks for by header or cookie, the branch that a
 * client was given before, the weights.
 */
export function createTrafficSplit(deps: SplitDeps): Service {
  return new TrafficSplit(deps);
}

/** A branch with what decides about it worked out. */
interface LiveBranch extends SplitBranch {
  readonly index: number;
  readonly weight: number;
  readonly header: { readonly key: string; readonly value: string | undefined } | undefined;
  readonly cookie: { readonly name: string; readonly value: string | undefined } | undefined;
  /** What a sticky cookie says of it. */
  readonly token: string;
  /** The Set-Cookie value that keeps a client here, over plain connections and over TLS. */
  readonly setCookie: string;
  readonly setSecureCookie: string;
}

class TrafficSplit implements Service {
  readonly #branches: readonly LiveBranch[];
  readonly #hasRules: boolean;
  readonly #weightSum: number;
  readonly #by: SplitKey;
  readonly #keyName: string;
  readonly #cookieName: string | undefined;
  readonly #movesOn: boolean;
  readonly #random: Random;
  readonly #meter: SplitMeter;
  /** Why `#choose` chose as it did last; read at once. */
  #reason: SplitReason = "weight";

  constructor({ options, branches, random, meter }: SplitDeps) {
    this.#branches = options.upstreams.map((branch, index) =>
      liveBranch(branch, branches[index]!, { index, options })
    );
    this.#hasRules = options.upstreams.some(({ header, cookie }) =>
      header !== undefined || cookie !== undefined
    );
    this.#weightSum = options.upstreams.reduce((sum, { weight }) => sum + weight, 0);
    this.#by = options.by;
    this.#keyName = options.by.slice(options.by.indexOf(":") + 1);
    this.#cookieName = options.stickyCookie?.name;
    this.#movesOn = options.whenUnavailable === "others";
    this.#random = random;
    this.#meter = meter;
  }

  serve(context: RequestContext): MaybePromise<Response> {
    let branch = this.#choose(context);
    let reason = this.#reason;
    if (this.#movesOn && !branch.isAvailable()) {
      const other = this.#weighted(context, branch);
      if (other !== undefined) {
        branch = other;
        reason = "unavailable";
      }
    }
    this.#meter.chosen(branch.index, reason);
    (context.logFields ??= {})["split"] = branch.id;
    if (context.trace !== null) this.#note(context, branch, reason);
    const answer = branch.service.serve(context);
    if (reason !== "weight" || this.#cookieName === undefined) return answer;
    return answer instanceof Promise
      ? answer.then((response) => keep(context, branch, response))
      : keep(context, branch, answer);
  }

  dispose(): void {
    for (const { service } of this.#branches) service.dispose?.();
  }

  #choose(context: RequestContext): LiveBranch {
    const { headers } = context.head;
    if (this.#hasRules) {
      for (const branch of this.#branches) {
        const { header, cookie } = branch;
        if (header !== undefined && hasHeader(context, header)) return this.#because("header", branch);
        if (cookie === undefined) continue;
        const value = cookieValue(headers, cookie.name);
        if (value !== undefined && (cookie.value === undefined || cookie.value === value)) {
          return this.#because("cookie", branch);
        }
      }
    }
    if (this.#cookieName !== undefined) {
      const token = cookieValue(headers, this.#cookieName);
      if (token !== undefined) {
        for (const branch of this.#branches) {
          // A branch that was taken out by its weight keeps nobody.
          if (branch.weight > 0 && branch.token === token) return this.#because("sticky", branch);
        }
      }
    }
    return this.#because("weight", this.#weighted(context, undefined)!);
  }

  #because(reason: SplitReason, branch: LiveBranch): LiveBranch {
    this.#reason = reason;
    return branch;
  }

  /** By the weights; with `without`, among the other branches that are up, if there are any. */
  #weighted(context: RequestContext, without: LiveBranch | undefined): LiveBranch | undefined {
    let sum = this.#weightSum;
    if (without !== undefined) {
      sum = 0;
      for (const branch of this.#branches) if (takesOver(branch, without)) sum += branch.weight;
      if (sum === 0) return undefined;
    }
    let left = this.#place(context) * sum;
    let last: LiveBranch | undefined;
    for (const branch of this.#branches) {
      if (branch.weight === 0 || (without !== undefined && !takesOver(branch, without))) continue;
      last = branch;
      left -= branch.weight;
      if (left < 0) break;
    }
    return last;
  }

  /** Where a request falls in [0, 1). */
  #place(context: RequestContext): number {
    switch (this.#by) {
      case "request":
        return this.#random.u32() / TWO_TO_THE_32;
      case "request-id":
        return shareOf(context.requestId, SALT);
      case "client-ip":
        return shareOf(context.clientIp, SALT);
      default: {
        const { headers } = context.head;
        const value = this.#by.startsWith("cookie:")
          ? cookieValue(headers, this.#keyName)
          : headers.get(this.#keyName);
        // Whoever does not have it is no group of its own: such requests are shared one by one.
        return value === undefined ? this.#random.u32() / TWO_TO_THE_32 : shareOf(value, SALT);
      }
    }
  }

  #note(context: RequestContext, branch: LiveBranch, reason: SplitReason): void {
    const share = `weight ${branch.weight} of ${this.#weightSum}`;
    const details: Record<SplitReason, string> = {
      header: `header ${branch.header?.key}`,
      cookie: `cookie ${branch.cookie?.name}`,
      sticky: `cookie ${this.#cookieName}`,
      weight: `${share}, by ${this.#by}`,
      unavailable: `${share}; no target of the branch it would have taken is up`,
    };
    context.trace?.note({
      step: "split",
      subject: branch.id,
      outcome: `chosen by ${reason}`,
      detail: details[reason],
    });
  }
}

function takesOver(branch: LiveBranch, without: LiveBranch): boolean {
  return branch !== without && branch.weight > 0 && branch.isAvailable();
}

function hasHeader(
  { head: { headers } }: RequestContext,
  { key, value }: { readonly key: string; readonly value: string | undefined },
): boolean {
  for (let at = headers.indexOf(key); at >= 0; at = headers.indexOf(key, at + 1)) {
    if (value === undefined || headers.valueAt(at) === value) return true;
  }
  return false;
}

function keep({ downstream }: RequestContext, branch: LiveBranch, response: Response): Response {
  const cookie = downstream.scheme === "https" ? branch.setSecureCookie : branch.setCookie;
  response.headers.appendKeyed("Set-Cookie", "set-cookie", cookie);
  return response;
}

function liveBranch(
  { weight, header, cookie }: TrafficSplitOptions["upstreams"][number],
  branch: SplitBranch,
  { index, options }: { readonly index: number; readonly options: TrafficSplitOptions },
): LiveBranch {
  const token = Math.floor(shareOf(branch.id, COOKIE_SALT) * TWO_TO_THE_32).toString(16).padStart(8, "0");
  const setCookie = cookieText(options.stickyCookie, token);
  return {
    id: branch.id,
    service: branch.service,
    isAvailable: () => branch.isAvailable(),
    index,
    weight,
    header: header && { key: header.name.toLowerCase(), value: onWire(header) },
    cookie: cookie && { name: cookie.name, value: onWire(cookie) },
    token,
    setCookie,
    setSecureCookie: setCookie.endsWith("Secure") ? setCookie : `${setCookie}; Secure`,
  };
}

function onWire({ value }: WantedValue): string | undefined {
  return value === undefined ? undefined : wireText(value);
}

/** RFC 6265 §4.1.1; scripts never need to see it. */
function cookieText(options: TrafficSplitOptions["stickyCookie"], token: string): string {
  if (options === undefined) return "";
  const { name, ttlSecs, path, sameSite } = options;
  const site = sameSite.charAt(0).toUpperCase() + sameSite.slice(1);
  // Browsers take `None` only together with `Secure`.
  const secure = sameSite === "none" ? "; Secure" : "";
  return `${name}=${token}; Path=${path}; Max-Age=${
    Math.floor(ttlSecs)
  }; HttpOnly; SameSite=${site}${secure}`;
}
