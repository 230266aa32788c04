import { deepEqual, equal, match, throws } from "node:assert/strict";
import { filterDeps, optionsOf, readFilter, requestContext } from "../../tests/support/filter_fixture.ts";
import { CLIENT, TLS_FACTS } from "../../tests/support/tls_facts.ts";
import type { TlsFacts } from "../core/tls.ts";
import { Trace } from "../core/trace.ts";
import type { Answer } from "./filter.ts";
import { clientCertificate } from "./client_certificate.ts";

/** Empty when the request goes through, else what the log is told. */
function outcome(body: string, tls?: TlsFacts): string {
  const filter = clientCertificate.create(optionsOf(clientCertificate, body), filterDeps());
  const context = requestContext(tls === undefined ? {} : { scheme: "https", tls });
  context.trace = new Trace();
  const verdict = filter.onRequest!(context) as Answer | undefined;
  equal(context.trace.steps.length, 1);
  if (verdict === undefined) return "";
  equal(verdict.reason, "client_certificate_required");
  equal(verdict.response.status, 403);
  return context.errorDetail ?? "";
}

const FINGERPRINT = CLIENT.fingerprint.toUpperCase().match(/../g)!.join(":");

const CASES: readonly { name: string; body: string; tls?: TlsFacts; want: RegExp }[] = [
  { name: "plain HTTP", body: "", want: /showed no certificate/ },
  { name: "none shown", body: "", tls: { ...TLS_FACTS, client: null }, want: /showed no certificate/ },
  {
    name: "not believed",
    body: `subjects "${CLIENT.subject}"`,
    tls: { ...TLS_FACTS, client: { ...CLIENT, problem: "expired" } },
    want: /not trusted: expired/,
  },
  { name: "anybody", body: "", tls: TLS_FACTS, want: /^$/ },
  { name: "subject", body: `subjects "CN=x" "${CLIENT.subject}"`, tls: TLS_FACTS, want: /^$/ },
  { name: "another subject", body: `subjects "CN=client"`, tls: TLS_FACTS, want: /not among/ },
  { name: "name", body: `names "URI:spiffe://example/client"`, tls: TLS_FACTS, want: /^$/ },
  { name: "another name", body: `names "DNS:example"`, tls: TLS_FACTS, want: /not among/ },
  { name: "fingerprint", body: `fingerprints "${FINGERPRINT}"`, tls: TLS_FACTS, want: /^$/ },
  { name: "any of them", body: `names "DNS:x"\nfingerprints "${FINGERPRINT}"`, tls: TLS_FACTS, want: /^$/ },
];

for (const { name, body, tls, want } of CASES) {
  Deno.test(`client-certificate: ${name}`, () => match(outcome(body, tls), want));
}

Deno.test("client-certificate: options that could never match", () => {
  deepEqual(readFilter(clientCertificate, `names "client.example"`).problems.length, 1);
  deepEqual(readFilter(clientCertificate, `fingerprints "abcd"`).problems.length, 1);
  throws(() => optionsOf(clientCertificate, `subject`));
});
