import type { Clock, Timers } from "../core/ports.ts";
import { AcmeError, type AcmeFailure } from "./acme_error.ts";
import { base64Url, sameBytes } from "./bytes.ts";
import { type AcmeClient, type AcmeReply, problemText, problemWord } from "./client.ts";
import { isObject, type JsonObject, listAt, maybeText, objectAt, textAt } from "./json.ts";
import { keyAuthorization } from "./jws.ts";
import { pause } from "./ports.ts";
import type { Proof, Solver } from "./solver.ts";
import { type CertificateFacts, readChain } from "./x509/certificate.ts";
import type { SigningKey } from "./x509/key.ts";
import { certificateRequest } from "./x509/request.ts";

/** An order and its proofs are waited for this long; authorities look within seconds, and say when not. */
const WAIT_MAX_MS = 10 * 60_000;
/** First pause between two looks at something pending; it doubles up to the longest. */
const POLL_MIN_MS = 1_000;
const POLL_MAX_MS = 30_000;
/** Looks that may fail in a row before the wait is given up. */
const POLL_FAILURES_MAX = 4;

/** What is ordered, with what, and how names are proven. */
export interface OrderInit {
  readonly client: AcmeClient;
  /** In ASCII, lower case; those with `*.` by DNS alone. */
  readonly domains: readonly string[];
  /** The certificate's own key, not the account's. */
  readonly key: SigningKey;
  readonly solver: Solver;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly signal: AbortSignal;
}

/** A certificate as it came. */
export interface IssuedChain {
  /** PEM, the certificate itself first. */
  readonly chain: string;
  readonly facts: CertificateFacts;
}

type Reply = AcmeReply & { readonly json: JsonObject };

/** Gets one certificate: order, proofs, request, download (RFC 8555 §7.4). Rejects with `AcmeError`. */
export async function orderCertificate(init: OrderInit): Promise<IssuedChain> {
  const { client, domains, key } = init;
  const { newOrder } = await client.directory();
  const identifiers = domains.map((value) => ({ type: "dns", value }));
  const created = await client.post(newOrder, { identifiers });
  const url = created.location;
  if (url === undefined) throw new AcmeError("protocol", "an order came without its URL");
  await authorize(created.json, init);
  const ready = await poll(init, url, (json) => orderState(json, ["ready", "valid"]));
  let order = ready;
  if (ready["status"] === "ready") {
    const csr = base64Url(await certificateRequest(key, domains));
    await client.post(textAt(ready, "finalize", "the order"), { csr });
    order = await poll(init, url, (json) => orderState(json, ["valid"]));
  }
  const chain = await client.chain(textAt(order, "certificate", "the order"));
  return { chain, facts: await checked(chain, init) };
}

/** Proves every name that the authority has not seen proven lately. */
async function authorize(order: JsonObject, init: OrderInit): Promise<void> {
  const { client, solver, signal } = init;
  const open: { readonly url: string; readonly challengeUrl: string; readonly proof: Proof }[] = [];
  for (const url of listAt(order, "authorizations", "the order")) {
    if (typeof url !== "string") throw new AcmeError("protocol", "an authorization that is no URL");
    const { json } = await client.get(url);
    if (json["status"] === "valid") continue;
    const domain = textAt(objectAt(json, "identifier"), "value", "an authorization");
    const challenge = challengeOf(json, { domain, type: solver.type });
    const token = textAt(challenge, "token", "a challenge");
    const proof = { domain, token, keyAuthorization: await keyAuthorization(client.key, token) };
    open.push({ url, challengeUrl: textAt(challenge, "url", "a challenge"), proof });
  }
  if (open.length === 0) return;
  const remove = await solver.present(open.map(({ proof }) => proof), signal);
  try {
    for (const { challengeUrl } of open) await client.post(challengeUrl, {});
    for (const { url, proof } of open) await poll(init, url, (json) => isAuthorized(json, proof.domain));
  } finally {
    await remove();
  }
}

function challengeOf(
  authorization: JsonObject,
  { domain, type }: { readonly domain: string; readonly type: string },
): JsonObject {
  if (authorization["status"] !== "pending") throw refusedProof(authorization, domain);
  const challenges = listAt(authorization, "challenges", "an authorization").filter(isObject);
  const found = challenges.find((challenge) => challenge["type"] === type);
  if (found !== undefined) return found;
  const offered = challenges.map((challenge) => maybeText(challenge, "type") ?? "?").join(", ");
  throw new AcmeError("order", `the authority offers no ${type} for ${domain}, only ${offered || "nothing"}`);
}

/** Whether a name is proven; undefined while the authority is still looking. Throws when it is not. */
function isAuthorized(authorization: JsonObject, domain: string): JsonObject | undefined {
  const { status } = authorization;
  if (status === "valid") return authorization;
  if (status === "pending" || status === "processing") return undefined;
  throw refusedProof(authorization, domain);
}

function refusedProof(authorization: JsonObject, domain: string): AcmeError {
  const challenges = Array.isArray(authorization["challenges"]) ? authorization["challenges"] : [];
  const said = challenges.filter(isObject).map((challenge) => problemText(objectAt(challenge, "error")))
    .find((text) => text !== undefined);
  const status = maybeText(authorization, "status") ?? "without a status";
  return new AcmeError("challenge", `${domain} was not proven: ${said ?? `the authorization is ${status}`}`);
}

/** The order once it is in one of these states; undefined before. Throws when it never will be. */
function orderState(order: JsonObject, wanted: readonly string[]): JsonObject | undefined {
  const status = maybeText(order, "status") ?? "";
  if (wanted.includes(status)) return order;
  if (status === "pending" || status === "ready" || status === "processing") return undefined;
  const error = objectAt(order, "error");
  const reason: AcmeFailure = problemWord(error) === "rateLimited" ? "rate_limited" : "order";
  throw new AcmeError(
    reason,
    `the order is ${status || "without a status"}: ${problemText(error) ?? "no reason"}`,
  );
}

/**
 * Looks at a resource until `settled` says so, at the pace the authority asks for. A look that fails with the
 * network or the server is repeated; everything else is passed on.
 */
async function poll(
  { client, clock, timers, signal }: OrderInit,
  url: string,
  settled: (json: JsonObject) => JsonObject | undefined,
): Promise<JsonObject> {
  const dueMs = clock.nowMs() + WAIT_MAX_MS;
  let failures = 0;
  for (let wait = POLL_MIN_MS;; wait = Math.min(wait * 2, POLL_MAX_MS)) {
    let reply: Reply | undefined;
    let asked: number | undefined;
    try {
      reply = await client.get(url);
      failures = 0;
      asked = reply.retryAfterMs;
    } catch (cause) {
      if (!isPassing(cause) || ++failures > POLL_FAILURES_MAX || signal.aborted) throw cause;
      asked = cause.retryAfterMs;
    }
    const result = reply === undefined ? undefined : settled(reply.json);
    if (result !== undefined) return result;
    const ms = Math.max(asked ?? wait, POLL_MIN_MS);
    if (clock.nowMs() + ms > dueMs) {
      throw new AcmeError("order", `the authority was not done within ${WAIT_MAX_MS / 60_000} minutes`, {
        retryAfterMs: asked,
      });
    }
    await pause(timers, ms, signal);
  }
}

function isPassing(cause: unknown): cause is AcmeError {
  return cause instanceof AcmeError && (cause.reason === "network" || cause.reason === "server");
}

/** What came must be what was ordered: of our key, of our names, and good now. */
async function checked(chain: string, { domains, key, clock }: OrderInit): Promise<CertificateFacts> {
  let facts: CertificateFacts;
  try {
    facts = readChain(chain);
  } catch (cause) {
    throw new AcmeError("protocol", "the certificate that came cannot be read", { cause });
  }
  const problem = await certificateProblem(facts, { domains, key, wallMs: clock.wallMs() });
  if (problem !== undefined) throw new AcmeError("protocol", `the certificate that came ${problem}`);
  return facts;
}

/** Why a certificate cannot be used for these names with this key, completing "the certificate …". */
export async function certificateProblem(
  facts: CertificateFacts,
  wanted: { readonly domains: readonly string[]; readonly key: SigningKey; readonly wallMs: number },
): Promise<string | undefined> {
  const missing = wanted.domains.find((domain) => !facts.domains.includes(domain));
  if (missing !== undefined) return `is not for ${missing}`;
  if (!sameBytes(facts.publicInfo, await wanted.key.publicInfo())) return "is of another key";
  if (facts.notAfterMs <= wanted.wallMs) return "has expired";
  return undefined;
}
