import { doesNotThrow, throws } from "node:assert/strict";
import fc from "../../../tests/support/seeded_check.ts";
import { audit, block, outcome } from "../../../tests/support/fake_agent.ts";
import { checkHeader } from "../../core/header_edits.ts";
import type { Outcome } from "../contract/sentinel_types.ts";
import { checkOutcome, type OutcomePhase } from "./outcome_rules.ts";

interface Row {
  readonly name: string;
  readonly given: Partial<Outcome>;
  /** What the trap says; undefined when there is none. */
  readonly want: RegExp | undefined;
  readonly phase?: OutcomePhase;
  readonly method?: string;
}

const line = (name: string, value: string) => ({ type: "set", value: { name, value } }) as const;

const TABLE: readonly Row[] = [
  { name: "nothing", given: {}, want: undefined },
  { name: "block 399", given: { decision: block(399) }, want: /399/ },
  { name: "block 400", given: { decision: block(400) }, want: undefined },
  { name: "block 599", given: { decision: block(599) }, want: undefined },
  { name: "block 600", given: { decision: block(600) }, want: /600/ },
  { name: "block NaN", given: { decision: block(NaN) }, want: /NaN/ },
  {
    name: "block with framing",
    given: {
      decision: {
        type: "block",
        value: { status: 403, body: "", headers: [{ name: "Content-Length", value: "5" }] },
      },
    },
    want: /Content-Length.*connection/,
  },
  {
    name: "redirect 300",
    given: { decision: { type: "redirect", value: { status: 300, location: "/" } } },
    want: /300/,
  },
  {
    name: "redirect 308",
    given: { decision: { type: "redirect", value: { status: 308, location: "https://a/?b#c" } } },
    want: undefined,
  },
  {
    name: "redirect to nowhere",
    given: { decision: { type: "redirect", value: { status: 302, location: "" } } },
    want: /location/,
  },
  {
    name: "redirect that splits",
    given: { decision: { type: "redirect", value: { status: 302, location: "/\r\nX: y" } } },
    want: /location/,
  },
  {
    name: "redirect with a space",
    given: { decision: { type: "redirect", value: { status: 302, location: "/a b" } } },
    want: /location/,
  },
  {
    name: "challenge",
    given: {
      decision: { type: "challenge", value: { kind: "Basic", params: [{ name: "realm", value: 'a "b"' }] } },
    },
    want: undefined,
  },
  {
    name: "challenge without kind",
    given: { decision: { type: "challenge", value: { kind: "", params: [] } } },
    want: /kind/,
  },
  {
    name: "challenge that splits",
    given: {
      decision: { type: "challenge", value: { kind: "x", params: [{ name: "realm", value: "a\nb" }] } },
    },
    want: /control/,
  },
  { name: "header", given: { requestHeaders: [line("X-A", "b\tc \u00ff")] }, want: undefined },
  { name: "header beyond one octet", given: { requestHeaders: [line("X-A", "\u0100")] }, want: /control/ },
  { name: "header with CR", given: { responseHeaders: [line("X-A", "b\rc")] }, want: /control/ },
  { name: "header with NUL", given: { responseHeaders: [line("X-A", "b\0c")] }, want: /control/ },
  { name: "header without name", given: { requestHeaders: [line("", "b")] }, want: /no valid header name/ },
  {
    name: "header with a colon",
    given: { requestHeaders: [line("a:b", "c")] },
    want: /no valid header name/,
  },
  {
    name: "transfer coding",
    given: { requestHeaders: [line("Transfer-Encoding", "chunked")] },
    want: /connection/,
  },
  {
    name: "removing the length",
    given: { requestHeaders: [{ type: "remove", value: "content-length" }] },
    want: /connection/,
  },
  { name: "another host", given: { requestHeaders: [line("HOST", "evil")] }, want: /own/ },
  { name: "request id", given: { requestHeaders: [line("X-Request-Id", "1")] }, want: /own/ },
  { name: "a response may name a host", given: { responseHeaders: [line("Host", "a")] }, want: undefined },
  {
    name: "removing a cookie",
    given: { responseHeaders: [{ type: "remove", value: "Set-Cookie" }] },
    want: undefined,
  },
  { name: "target", given: { target: "/a%20b?c=%00" }, want: undefined },
  { name: "target with a space", given: { target: "/a b" }, want: /target/ },
  { name: "target in absolute form", given: { target: "http://a/" }, want: /target/ },
  { name: "target with a fragment", given: { target: "/a#b" }, want: /target/ },
  { name: "target that splits", given: { target: "/ HTTP/1.1\r\nX: y" }, want: /target/ },
  { name: "late target", given: { target: "/a" }, phase: "response", want: /sent already/ },
  { name: "late method", given: { method: "GET" }, phase: "response", want: /sent already/ },
  { name: "method", given: { method: "PATCH" }, want: undefined },
  { name: "method CONNECT", given: { method: "connect" }, want: /method/ },
  { name: "method with a space", given: { method: "GET /" }, want: /method/ },
  { name: "to HEAD", given: { method: "HEAD" }, want: /HEAD/ },
  { name: "from HEAD", given: { method: "GET" }, method: "HEAD", want: /HEAD/ },
  { name: "HEAD stays HEAD", given: { method: "HEAD" }, method: "HEAD", want: undefined },
  {
    name: "64 notes",
    given: { metadata: Array.from({ length: 64 }, (_, i) => ({ name: `n${i}`, value: "" })) },
    want: undefined,
  },
  {
    name: "65 notes",
    given: { metadata: Array.from({ length: 65 }, (_, i) => ({ name: `n${i}`, value: "" })) },
    want: /65 notes/,
  },
  { name: "long note", given: { metadata: [{ name: "a", value: "x".repeat(4097) }] }, want: /too long/ },
  { name: "confidence 1", given: { audit: audit({ confidence: 1 }) }, want: undefined },
  { name: "confidence above 1", given: { audit: audit({ confidence: 1.01 }) }, want: /confidence/ },
  { name: "confidence NaN", given: { audit: audit({ confidence: NaN }) }, want: /confidence/ },
];

Deno.test("outcomes: what is malformed", () => {
  for (const { name, given, want, phase = "request", method = "GET" } of TABLE) {
    const check = () => checkOutcome(outcome(given), phase, method);
    if (want === undefined) doesNotThrow(check, name);
    else {throws(check, (error: Error & { kind?: string }) =>
        error.kind === "malformed" && want.test(error.message), name);}
  }
});

Deno.test("outcomes: no header that passes could break a message", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (name, value) => {
    try {
      checkOutcome(outcome({ requestHeaders: [line(name, value)] }), "request", "GET");
    } catch {
      return;
    }
    doesNotThrow(() => {
      if (checkHeader(name, value) !== undefined || [...value].some((unit) => unit > "\xff")) {
        throw new Error(name);
      }
    });
  }));
});
