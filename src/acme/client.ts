import type { Clock } from "../core/ports.ts";
import type { HttpAnswer, HttpPort } from "../discovery/discovery.ts";
import { AcmeError, type AcmeFailure, reasonText } from "./acme_error.ts";
import { type JsonObject, maybeText, objectAt, parseObject, textAt } from "./json.ts";
import { signedBody, type Signer } from "./jws.ts";
import type { SigningKey } from "./x509/key.ts";

/** Answers in JSON are a few kilobytes; orders of a hundred names some ten. */
const JSON_BYTES_MAX = 256 * 1024;
/** Chains are some ten kilobytes. */
const CHAIN_BYTES_MAX = 256 * 1024;
const HEAD_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 15_000;
/** Nonces that were given and not used; older ones may have expired anyway. */
const NONCES_MAX = 4;
/** Times that a request is signed anew because its nonce was not accepted (RFC 8555 §6.5). */
const BAD_NONCES_MAX = 4;
/** The longest that an authority's wish to be left alone is followed. */
const RETRY_AFTER_MAX_MS = 7 * 86_400_000;
/** Details of problems go into logs and tables. */
const DETAIL_LENGTH_MAX = 500;

/** Where an authority takes what (RFC 8555 §7.1.1). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly termsOfService: string | undefined;
  readonly externalAccountRequired: boolean;
}

/** What an authority answered. */
export interface AcmeReply {
  readonly status: number;
  /** The body; of a certificate in PEM, of everything else in JSON. */
  readonly text: string;
  readonly location: string | undefined;
  readonly retryAfterMs: number | undefined;
}

/** What a client needs. */
export interface AcmeClientInit {
  readonly directoryUrl: string;
  /** PEM file of authorities trusted, beside the system's, for HTTPS to the directory. */
  readonly caFile: string | undefined;
  readonly http: HttpPort;
  readonly clock: Clock;
  readonly key: SigningKey;
  readonly signal: AbortSignal;
}

/** Speaks to one authority with one account's key (RFC 8555 §6). Every call rejects with `AcmeError`. */
export class AcmeClient {
  readonly key: SigningKey;
  readonly #init: AcmeClientInit;
  readonly #nonces: string[] = [];
  #directory: Directory | undefined;
  #kid: string | undefined;

  constructor(init: AcmeClientInit) {
    this.#init = init;
    this.key = init.key;
  }

  /** Signs with this account's URL from now on; undefined means with the key itself. */
  signAs(accountUrl: string | undefined): void {
    this.#kid = accountUrl;
  }

  async directory(): Promise<Directory> {
    return this.#directory ??= await this.#readDirectory();
  }

  /** Reads a resource by a signed request without a payload (RFC 8555 §6.3). */
  async get(url: string): Promise<AcmeReply & { readonly json: JsonObject }> {
    return await this.post(url, undefined);
  }

  /** Sends a signed payload; the answer must be JSON. */
  async post(url: string, payload: unknown): Promise<AcmeReply & { readonly json: JsonObject }> {
    const reply = await this.#signed(url, { payload, accept: "application/json", bytesMax: JSON_BYTES_MAX });
    return { ...reply, json: parseObject(reply.text, `the answer of ${url}`) };
  }

  /** A certificate with its chain, in PEM. */
  async chain(url: string): Promise<string> {
    const accept = "application/pem-certificate-chain";
    const { text } = await this.#signed(url, { payload: undefined, accept, bytesMax: CHAIN_BYTES_MAX });
    return text;
  }

  async #readDirectory(): Promise<Directory> {
    const { directoryUrl } = this.#init;
    const { text } = await this.#send("GET", directoryUrl, {
      accept: "application/json",
      bytesMax: JSON_BYTES_MAX,
    });
    const what = `the directory ${directoryUrl}`;
    const json = parseObject(text, what);
    const meta = objectAt(json, "meta");
    return {
      newNonce: textAt(json, "newNonce", what),
      newAccount: textAt(json, "newAccount", what),
      newOrder: textAt(json, "newOrder", what),
      termsOfService: maybeText(meta, "termsOfService"),
      externalAccountRequired: meta["externalAccountRequired"] === true,
    };
  }

  async #signed(
    url: string,
    request: { readonly payload: unknown; readonly accept: string; readonly bytesMax: number },
  ): Promise<AcmeReply> {
    const { key } = this.#init;
    for (let refused = 0;; refused++) {
      const nonce = this.#nonces.pop() ?? await this.#freshNonce();
      const signer: Signer = this.#kid === undefined ? { jwk: await key.publicJwk() } : { kid: this.#kid };
      const body = await signedBody({ key, signer, url, nonce, payload: request.payload });
      try {
        return await this.#send("POST", url, { ...request, body });
      } catch (cause) {
        const isNonce = cause instanceof AcmeError && cause.problem === "badNonce";
        if (!isNonce || refused === BAD_NONCES_MAX) throw cause;
        // The refusal has brought one that is good; whatever else is kept may be as old as the refused one.
        this.#nonces.splice(0, this.#nonces.length - 1);
      }
    }
  }

  async #freshNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    await this.#send("GET", newNonce, { accept: "*/*", bytesMax: JSON_BYTES_MAX });
    const nonce = this.#nonces.pop();
    if (nonce === undefined) throw new AcmeError("protocol", `${newNonce} gives no nonce`);
    return nonce;
  }

  async #send(
    method: "GET" | "POST",
    url: string,
    request: { readonly body?: string; readonly accept: string; readonly bytesMax: number },
  ): Promise<AcmeReply> {
    const { http, caFile, signal, directoryUrl } = this.#init;
    if (!isSafeUrl(url, directoryUrl)) {
      throw new AcmeError("protocol", `"${url}" is no URL that may be asked`);
    }
    const headers: (readonly [string, string])[] = [["accept", request.accept], ["user-agent", "sentinel"]];
    if (request.body !== undefined) headers.push(["content-type", "application/jose+json"]);
    let answer: HttpAnswer | undefined;
    try {
      answer = await http({
        method,
        url,
        headers,
        body: request.body,
        headTimeoutMs: HEAD_TIMEOUT_MS,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        tls: caFile === undefined ? undefined : { caFile },
        signal,
      });
      this.#keepNonce(answer.header("replay-nonce"));
      const reply = {
        status: answer.status,
        text: await answer.text(request.bytesMax),
        location: answer.header("location"),
        retryAfterMs: retryAfterMs(answer.header("retry-after"), this.#init.clock.wallMs()),
      };
      if (reply.status < 200 || reply.status > 299) throw problemOf(url, reply);
      return reply;
    } catch (cause) {
      if (cause instanceof AcmeError) throw cause;
      throw new AcmeError("network", reasonText(cause), { cause });
    } finally {
      answer?.close();
    }
  }

  #keepNonce(nonce: string | undefined): void {
    // RFC 8555 §6.5.1: base64url characters alone.
    if (nonce === undefined || !/^[A-Za-z0-9_-]{1,1024}$/.test(nonce)) return;
    this.#nonces.push(nonce);
    if (this.#nonces.length > NONCES_MAX) this.#nonces.shift();
  }
}

/** An authority that is asked over HTTPS must not send us elsewhere than to HTTPS. */
function isSafeUrl(url: string, directoryUrl: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, username, password } = new URL(url);
  return protocol === new URL(directoryUrl).protocol && username === "" && password === "";
}

/** Seconds or a date (RFC 9110 §10.2.3) as milliseconds from now. */
export function retryAfterMs(value: string | undefined, wallMs: number): number | undefined {
  if (value === undefined) return undefined;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - wallMs;
  if (!Number.isFinite(ms)) return undefined;
  return Math.min(Math.max(ms, 0), RETRY_AFTER_MAX_MS);
}

const PROBLEM_REASONS: Readonly<Record<string, AcmeFailure>> = {
  rateLimited: "rate_limited",
  accountDoesNotExist: "account",
  externalAccountRequired: "account",
  invalidContact: "account",
  unsupportedContact: "account",
  userActionRequired: "account",
  unauthorized: "account",
  serverInternal: "server",
  badNonce: "server",
  dns: "challenge",
  connection: "challenge",
  tls: "challenge",
  incorrectResponse: "challenge",
};

/** What an answer with an error says (RFC 8555 §6.7, RFC 9457). */
function problemOf(url: string, { status, text, retryAfterMs }: AcmeReply): AcmeError {
  let json: JsonObject = {};
  try {
    json = parseObject(text, "the problem");
  } catch {
    // A page of some proxy in between; the status alone must do.
  }
  const problem = problemWord(json);
  const fallback: AcmeFailure = status === 429 ? "rate_limited" : status >= 500 ? "server" : "order";
  const reason = PROBLEM_REASONS[problem ?? ""] ?? fallback;
  const said = problemText(json) ?? `status ${status}`;
  const options = { retryAfterMs, ...(problem === undefined ? {} : { problem }) };
  return new AcmeError(reason, `${url}: ${said}`, options);
}

/** The last part of a problem's type. */
export function problemWord(problem: JsonObject): string | undefined {
  const type = maybeText(problem, "type");
  return type?.startsWith("urn:ietf:params:acme:error:") ? type.slice(27) : undefined;
}

/** A problem in one line: its word and what it says, control characters taken out. */
export function problemText(problem: JsonObject): string | undefined {
  const parts = [problemWord(problem), maybeText(problem, "detail")].filter((part) => part !== undefined);
  const subs = Array.isArray(problem["subproblems"])
    ? problem["subproblems"].slice(0, 3) as JsonObject[]
    : [];
  for (const sub of subs) parts.push(maybeText(sub ?? {}, "detail") ?? "");
  const text = parts.join(": ").slice(0, DETAIL_LENGTH_MAX);
  // deno-lint-ignore no-control-regex
  return text === "" ? undefined : text.replace(/[\x00-\x1f\x7f]/g, " ");
}
