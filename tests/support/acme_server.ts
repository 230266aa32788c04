/**
 * A server of RFC 8555 for tests that believes nothing: signatures, URLs and nonces of every request, external
 * bindings, proofs (which it fetches, or looks up, itself) and requests for certificates are all checked.
 */

import { createHash, createHmac, createPublicKey, verify } from "node:crypto";
import { base64Url, fromBase64Url } from "../../src/acme/bytes.ts";
import { Authority, readRequest } from "./acme_authority.ts";

const DAY_MS = 86_400_000;

/** Kinds of requests, for faults and counts. */
export type AcmeStep =
  | "directory"
  | "newNonce"
  | "newAccount"
  | "account"
  | "newOrder"
  | "authorization"
  | "challenge"
  | "finalize"
  | "order"
  | "certificate";

/** What is answered instead; undefined lets the request through. */
export interface AcmeFault {
  (step: AcmeStep, nth: number): Response | undefined;
}

export interface AcmeServerInit {
  readonly wallMs: () => number;
  /** What a proof over HTTP is: the whole body of `http://<domain>/<path>`. */
  readonly fetchProof?: (domain: string, path: string) => Promise<string>;
  /** The TXT records of a name. */
  readonly lookupTxt?: (name: string) => Promise<readonly string[]>;
  readonly externalKeys?: ReadonlyMap<string, Uint8Array>;
}

interface Account {
  readonly url: string;
  readonly jwk: Jwk;
  contact: unknown;
}

type Jwk = Readonly<Record<string, string>>;

interface Authorization {
  readonly domain: string;
  readonly isWildcard: boolean;
  readonly token: string;
  readonly account: Account;
  status: "pending" | "valid" | "invalid";
  error: unknown;
  /** Looks that still see it pending although it is settled. */
  delay: number;
}

interface Order {
  readonly domains: readonly string[];
  readonly authorizations: readonly number[];
  status: "pending" | "ready" | "processing" | "valid" | "invalid";
  error: unknown;
  chain: string;
  delay: number;
}

class AcmeProblem extends Error {
  readonly status: number;
  readonly type: string;
  readonly headers: Record<string, string>;

  constructor(status: number, type: string, detail: string, headers: Record<string, string> = {}) {
    super(detail);
    this.status = status;
    this.type = type;
    this.headers = headers;
  }
}

/** An answer with a problem of ACME, for faults. */
export function problem(
  status: number,
  type: string,
  options: { readonly detail?: string; readonly headers?: Record<string, string> } = {},
): Response {
  const body = { type: `urn:ietf:params:acme:error:${type}`, detail: options.detail ?? type, status };
  return Response.json(body, {
    status,
    headers: { "content-type": "application/problem+json", ...options.headers },
  });
}

export class AcmeServer {
  readonly authority: Authority;
  /** Requests so far. */
  readonly counts = new Map<AcmeStep, number>();
  /** Certificates issued. */
  readonly issued: string[] = [];
  fault: AcmeFault = () => undefined;
  lifetimeMs = 90 * DAY_MS;
  /** Looks at an authorization or order before its state shows. */
  delay = 0;
  /** Told with every answer that something is pending. */
  retryAfter: string | undefined;
  requiresBinding = false;
  /** Signs for other names than asked for. */
  issuesFor: readonly string[] | undefined;
  readonly #init: AcmeServerInit;
  readonly #nonces = new Set<string>();
  readonly #accounts: Account[] = [];
  readonly #authorizations: Authorization[] = [];
  readonly #orders: Order[] = [];
  #base = "";

  private constructor(init: AcmeServerInit, authority: Authority) {
    this.#init = init;
    this.authority = authority;
  }

  static async create(init: AcmeServerInit): Promise<AcmeServer> {
    return new AcmeServer(init, await Authority.create(init.wallMs()));
  }

  get accounts(): readonly { readonly url: string; readonly contact: unknown }[] {
    return this.#accounts;
  }

  /** Forgets every account, as an authority that was set up anew does. */
  forgetAccounts(): void {
    this.#accounts.length = 0;
  }

  count(step: AcmeStep): number {
    return this.counts.get(step) ?? 0;
  }

  /** Answers a request to anywhere below the origin of its URL. */
  async handle(request: Request): Promise<Response> {
    const { origin, pathname } = new URL(request.url);
    this.#base = origin;
    const [, word = "", id = ""] = pathname.split("/");
    const step = word as AcmeStep;
    const nth = this.count(step) + 1;
    this.counts.set(step, nth);
    let response: Response;
    try {
      response = this.fault(step, nth) ?? await this.#answer(step, Number(id), request);
    } catch (cause) {
      if (!(cause instanceof AcmeProblem)) throw cause;
      response = problem(cause.status, cause.type, { detail: cause.message, headers: cause.headers });
    }
    if (step !== "directory" && !response.headers.has("replay-nonce")) {
      response.headers.set("replay-nonce", this.#nonce());
    }
    return response;
  }

  async #answer(step: AcmeStep, id: number, request: Request): Promise<Response> {
    if (step === "directory") return this.#directory();
    if (step === "newNonce") return new Response(null, { status: 204 });
    const { payload, jwk, account } = await this.#verified(request, step === "newAccount");
    if (step === "newAccount") return this.#newAccount(payload, jwk!);
    if (account === undefined) throw new AcmeProblem(400, "malformed", "not signed by an account");
    switch (step) {
      case "account":
        account.contact = (payload as { contact?: unknown }).contact ?? account.contact;
        return Response.json({ status: "valid", contact: account.contact });
      case "newOrder":
        return this.#newOrder(payload, account);
      case "authorization":
        return this.#show(this.#authorizationView(id));
      case "challenge":
        await this.#prove(this.#authorizations[id]!);
        return Response.json({ type: "x", url: request.url, status: "processing" });
      case "finalize":
        await this.#finalize(this.#orders[id]!, payload as { csr?: string });
        return this.#show(this.#orderView(id));
      case "order":
        return this.#show(this.#orderView(id));
      case "certificate":
        if (payload !== undefined) throw new AcmeProblem(400, "malformed", "POST-as-GET has no payload");
        return new Response(this.#orders[id]!.chain, {
          headers: { "content-type": "application/pem-certificate-chain" },
        });
      default:
        throw new AcmeProblem(404, "malformed", "nothing here");
    }
  }

  #directory(): Response {
    const at = (word: string) => `${this.#base}/${word}`;
    return Response.json({
      newNonce: at("newNonce"),
      newAccount: at("newAccount"),
      newOrder: at("newOrder"),
      meta: { termsOfService: at("terms"), externalAccountRequired: this.requiresBinding },
    });
  }

  #nonce(): string {
    const nonce = base64Url(crypto.getRandomValues(new Uint8Array(16)));
    this.#nonces.add(nonce);
    return nonce;
  }

  /** RFC 8555 §6.2 to §6.5. */
  async #verified(request: Request, isNew: boolean) {
    if (request.method !== "POST") throw new AcmeProblem(405, "malformed", "POST alone");
    if (request.headers.get("content-type") !== "application/jose+json") {
      throw new AcmeProblem(415, "malformed", "application/jose+json alone");
    }
    const body = await request.json() as Record<string, string>;
    const header = JSON.parse(text64(body["protected"]!)) as Record<string, unknown>;
    if (!this.#nonces.delete(String(header["nonce"]))) {
      throw new AcmeProblem(400, "badNonce", "the nonce is not known");
    }
    if (header["url"] !== request.url) throw new AcmeProblem(401, "unauthorized", "signed for another URL");
    if (("jwk" in header) === ("kid" in header)) throw new AcmeProblem(400, "malformed", "jwk or kid");
    if (isNew !== "jwk" in header) throw new AcmeProblem(400, "malformed", "the wrong one of jwk and kid");
    const account = isNew ? undefined : this.#accounts.find(({ url }) => url === header["kid"]);
    if (!isNew && account === undefined) throw new AcmeProblem(400, "accountDoesNotExist", "no such account");
    const jwk = account?.jwk ?? header["jwk"] as Jwk;
    if (!isSigned(body, String(header["alg"]), jwk)) {
      throw new AcmeProblem(401, "unauthorized", "wrong signature");
    }
    const payload: unknown = body["payload"] === "" ? undefined : JSON.parse(text64(body["payload"]!));
    return { payload, jwk: isNew ? jwk : undefined, account };
  }

  #newAccount(payload: unknown, jwk: Jwk): Response {
    const wish = payload as Record<string, unknown>;
    const known = this.#accounts.find((account) => thumbprint(account.jwk) === thumbprint(jwk));
    if (known !== undefined) return Response.json({ status: "valid" }, { headers: { location: known.url } });
    if (wish["termsOfServiceAgreed"] !== true) {
      throw new AcmeProblem(403, "userActionRequired", "agree to the terms");
    }
    const binding = wish["externalAccountBinding"] as Record<string, string> | undefined;
    if (this.requiresBinding && binding === undefined) {
      throw new AcmeProblem(403, "externalAccountRequired", "a binding is required");
    }
    if (binding !== undefined) this.#checkBinding(binding, jwk);
    const account = { url: `${this.#base}/account/${this.#accounts.length}`, jwk, contact: wish["contact"] };
    this.#accounts.push(account);
    return Response.json({ status: "valid" }, { status: 201, headers: { location: account.url } });
  }

  /** RFC 8555 §7.3.4. */
  #checkBinding(binding: Record<string, string>, jwk: Jwk): void {
    const header = JSON.parse(text64(binding["protected"]!)) as Record<string, string>;
    const key = this.#init.externalKeys?.get(header["kid"]!);
    if (key === undefined) throw new AcmeProblem(403, "unauthorized", "unknown external key");
    const mac = createHmac("sha256", key).update(`${binding["protected"]}.${binding["payload"]}`).digest();
    const isRight = header["alg"] === "HS256" && header["url"] === `${this.#base}/newAccount` &&
      binding["signature"] === base64Url(mac) &&
      thumbprint(JSON.parse(text64(binding["payload"]!)) as Jwk) === thumbprint(jwk);
    if (!isRight) throw new AcmeProblem(403, "unauthorized", "wrong external binding");
  }

  #newOrder(payload: unknown, account: Account): Response {
    const { identifiers } = payload as { identifiers: readonly { type: string; value: string }[] };
    const domains = identifiers.map(({ value }) => value);
    const authorizations = domains.map((value) => {
      const isWildcard = value.startsWith("*.");
      const domain = isWildcard ? value.slice(2) : value;
      const token = base64Url(crypto.getRandomValues(new Uint8Array(24)));
      const authorization = {
        domain,
        isWildcard,
        token,
        account,
        status: "pending",
        error: undefined,
        delay: 0,
      } as const;
      return this.#authorizations.push({ ...authorization }) - 1;
    });
    const id = this.#orders.push({
      domains,
      authorizations,
      status: "pending",
      error: undefined,
      chain: "",
      delay: 0,
    }) - 1;
    const response = this.#show(this.#orderView(id), 201);
    response.headers.set("location", `${this.#base}/order/${id}`);
    return response;
  }

  #show(view: { readonly status: string }, status = 200): Response {
    const isPending = view.status === "pending" || view.status === "processing";
    const headers = isPending && this.retryAfter !== undefined
      ? { "retry-after": this.retryAfter }
      : undefined;
    return Response.json(view, { status, ...(headers === undefined ? {} : { headers }) });
  }

  #authorizationView(id: number) {
    const one = this.#authorizations[id]!;
    const isHidden = one.status !== "pending" && one.delay-- > 0;
    const url = `${this.#base}/challenge/${id}`;
    const types = one.isWildcard ? ["dns-01"] : ["http-01", "dns-01"];
    const challenges = types.map((type) => ({
      type,
      url,
      token: one.token,
      status: one.status,
      error: one.error,
    }));
    const identifier = { type: "dns", value: one.domain };
    return { status: isHidden ? "pending" : one.status, identifier, wildcard: one.isWildcard, challenges };
  }

  #orderView(id: number) {
    const order = this.#orders[id]!;
    const parts = order.authorizations.map((each) => this.#authorizations[each]!.status);
    if (order.status === "pending" && parts.includes("invalid")) order.status = "invalid";
    if (order.status === "pending" && parts.every((status) => status === "valid")) order.status = "ready";
    const isHidden = order.status === "valid" && order.delay-- > 0;
    return {
      status: isHidden ? "processing" : order.status,
      identifiers: order.domains.map((value) => ({ type: "dns", value })),
      authorizations: order.authorizations.map((each) => `${this.#base}/authorization/${each}`),
      finalize: `${this.#base}/finalize/${id}`,
      error: order.error,
      ...(order.status === "valid" && !isHidden ? { certificate: `${this.#base}/certificate/${id}` } : {}),
    };
  }

  /** Looks itself, by whichever way the proof is laid out. */
  async #prove(one: Authorization): Promise<void> {
    if (one.status !== "pending") return;
    one.delay = this.delay;
    const wanted = `${one.token}.${thumbprint(one.account.jwk)}`;
    const { fetchProof, lookupTxt } = this.#init;
    let found = "nothing";
    try {
      if (fetchProof !== undefined && !one.isWildcard) {
        found = await fetchProof(one.domain, `/.well-known/acme-challenge/${one.token}`);
        if (found === wanted) one.status = "valid";
      } else if (lookupTxt !== undefined) {
        const records = await lookupTxt(`_acme-challenge.${one.domain}`);
        found = records.join(" ");
        if (records.includes(base64Url(createHash("sha256").update(wanted).digest()))) one.status = "valid";
      }
    } catch (cause) {
      found = String(cause);
    }
    if (one.status === "valid") return;
    one.status = "invalid";
    one.error = {
      type: "urn:ietf:params:acme:error:incorrectResponse",
      detail: `found ${found.slice(0, 80)}`,
    };
  }

  async #finalize(order: Order, { csr }: { readonly csr?: string }): Promise<void> {
    if (order.status !== "ready") throw new AcmeProblem(403, "orderNotReady", `the order is ${order.status}`);
    const request = readRequest(fromBase64Url(csr!)!);
    if (request.domains.toSorted().join() !== order.domains.toSorted().join()) {
      throw new AcmeProblem(400, "badCSR", "other names than ordered");
    }
    const nowMs = this.#init.wallMs();
    order.chain = await this.authority.issue({
      publicInfo: request.publicInfo,
      domains: this.issuesFor ?? order.domains,
      notBeforeMs: nowMs - 3_600_000,
      notAfterMs: nowMs + this.lifetimeMs,
    });
    this.issued.push(order.chain);
    order.status = "valid";
    order.delay = this.delay;
  }
}

function text64(text: string): string {
  return new TextDecoder().decode(fromBase64Url(text));
}

function isSigned(body: Record<string, string>, alg: string, jwk: Jwk): boolean {
  const hashes: Record<string, string> = { ES256: "sha256", ES384: "sha384", RS256: "sha256" };
  const isOfKey = alg === "RS256" ? jwk["kty"] === "RSA" : jwk["crv"] === `P-${alg.slice(2)}`;
  const hash = hashes[alg];
  if (hash === undefined || !isOfKey) return false;
  const key = createPublicKey({ key: jwk as never, format: "jwk" });
  const bytes = new TextEncoder().encode(`${body["protected"]}.${body["payload"]}`);
  return verify(hash, bytes, { key, dsaEncoding: "ieee-p1363" }, fromBase64Url(body["signature"]!)!);
}

/** RFC 7638. */
function thumbprint(jwk: Jwk): string {
  const { crv, kty, x, y, n, e } = jwk;
  const text = kty === "RSA" ? JSON.stringify({ e, kty, n }) : JSON.stringify({ crv, kty, x, y });
  return base64Url(createHash("sha256").update(text).digest());
}
