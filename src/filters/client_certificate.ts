import { HeaderList } from "../core/headers.ts";
import type { Kind } from "../core/kind.ts";
import { block, type Infer, texts } from "../core/schema.ts";
import { BytesBody, type Response } from "../core/message.ts";
import type { ClientCertificate } from "../core/tls.ts";
import type { Filter, FilterDeps } from "./filter.ts";

const options = block({
  summary: "Whom to let through; when nothing is given, whoever has a certificate that is believed.",
  always: true,
  fields: {
    subjects: texts({
      summary: "Subjects as RFC 4514 writes them, whole.",
      aliases: ["subject"],
      example: "CN=client,O=Example",
    }),
    names: texts({
      summary: "Alternative names with their kind, whole: DNS, URI, email or IP.",
      aliases: ["san"],
      check: (name) =>
        /^(DNS|URI|email|IP):./.test(name)
          ? undefined
          : `must begin with DNS:, URI:, email: or IP:, found "${name}"`,
      example: "URI:spiffe://example/client",
    }),
    fingerprints: texts({
      summary: "SHA-256 of certificates, hexadecimal; colons do not matter.",
      aliases: ["fingerprint"],
      check: (text) =>
        /^[0-9a-f]{64}$/i.test(text.replaceAll(":", "")) ? undefined : "must be 64 hexadecimal digits",
    }),
  },
});

/** Lets only clients through that showed a certificate: what a route asks for where its listener only offers. */
export const clientCertificate: Kind<"client-certificate", Infer<typeof options>, FilterDeps, Filter> = {
  type: "client-certificate",
  summary: "Refuses clients without a trusted certificate, or with another than the named ones, with 403.",
  options,
  create(given, deps): Filter {
    const subjects = new Set(given.subjects);
    const names = new Set(given.names);
    const fingerprints = new Set(given.fingerprints.map((text) => text.replaceAll(":", "").toLowerCase()));
    const isAnybody = subjects.size + names.size + fingerprints.size === 0;
    const isWelcome = (client: ClientCertificate) =>
      isAnybody || subjects.has(client.subject) || fingerprints.has(client.fingerprint) ||
      client.names.some((name) => names.has(name));
    return {
      onRequest(context) {
        const client = context.downstream.tls?.client ?? null;
        const problem = client === null
          ? "the client showed no certificate"
          : client.problem !== ""
          ? `the client's certificate is not trusted: ${client.problem}`
          : isWelcome(client)
          ? undefined
          : `the certificate of ${client.subject} is not among those let through`;
        context.trace?.note({
          step: "filter",
          subject: deps.id,
          outcome: problem === undefined ? "allowed" : "refused",
          detail: problem ?? "",
        });
        if (problem === undefined) return undefined;
        context.errorDetail = problem;
        return { response: refusal(), reason: "client_certificate_required" };
      },
    };
  },
};

const TEXT = new TextEncoder().encode("A client certificate is required\n");

function refusal(): Response {
  const headers = HeaderList.from([["Content-Type", "text/plain; charset=utf-8"]]);
  return { status: 403, reason: "", headers, body: new BytesBody(TEXT) };
}
