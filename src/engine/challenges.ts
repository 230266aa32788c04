import type { RequestContext } from "../core/context.ts";
import { HeaderList } from "../core/headers.ts";
import { BytesBody, type Response } from "../core/message.ts";

/** Where authorities look for proofs (RFC 8555 §8.3). */
const PREFIX = "/.well-known/acme-challenge/";

/** Proofs that are to be shown: token → key authorization. Null costs a request nothing. */
export type ChallengeAnswers = ReadonlyMap<string, string> | null;

/** The proof that a request asks for; null when it asks for none that is known, and goes the usual way. */
export function challengeAnswer(
  context: RequestContext,
  answers: ReadonlyMap<string, string>,
): Response | null {
  if (!context.path.startsWith(PREFIX)) return null;
  const { method } = context.head;
  if (method !== "GET" && method !== "HEAD") return null;
  const proof = answers.get(context.path.slice(PREFIX.length));
  if (proof === undefined) return null;
  context.trace?.note({
    step: "acme",
    subject: "http-01",
    outcome: "answered",
    detail: "a proof for an authority",
  });
  const headers = HeaderList.from([["Content-Type", "text/plain"], ["Cache-Control", "no-store"]]);
  return { status: 200, reason: "", headers, body: new BytesBody(new TextEncoder().encode(proof)) };
}
