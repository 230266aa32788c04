import { checkBaseUrl } from "../../discovery/options.ts";
import { checkHeaderName } from "../../core/header_edits.ts";
import { type Infer, text } from "../../core/schema.ts";
import { textAt } from "../json.ts";
import { JsonApi, unhurried } from "./api.ts";
import { readToken } from "./credentials.ts";
import { credentialFields, dnsProviderOptions } from "./options.ts";
import { type DnsProviderKind, PROOF_TTL_SECS } from "./provider.ts";

const options = dnsProviderOptions({
  ...credentialFields,
  url: text({
    summary: "Where the service is; it is asked at /domains/{domain}/supported and /records below.",
    required: true,
    check: checkBaseUrl,
    example: "https://dns-bridge.internal/acme",
  }),
  authHeader: text({
    summary:
      "Header that carries the token as it is; left out, it goes into Authorization as a bearer token.",
    check: checkHeaderName,
    example: "X-Api-Key",
  }),
}, (value, report) => {
  const { credentialsFile, credentialsEnv, authHeader } = value;
  if (credentialsFile !== undefined && credentialsEnv !== undefined) {
    report("credentialsEnv", `"credentials-file" and "credentials-env" exclude each other`);
  } else if (authHeader !== undefined && credentialsFile === undefined && credentialsEnv === undefined) {
    report("authHeader", `"auth-header" needs "credentials-file" or "credentials-env"`);
  }
});

/** A service of one's own that writes the records. */
export const webhook: DnsProviderKind<"webhook", NonNullable<Infer<typeof options>>> = {
  type: "webhook",
  summary: "A service of your own that is asked over HTTP to write the records.",
  options,
  create(given, ports) {
    const isOpen = given.credentialsFile === undefined && given.credentialsEnv === undefined;
    const api = new JsonApi({
      baseUrl: given.url,
      timeoutMs: given.apiTimeoutSecs * 1000,
      http: ports.http,
      headers: async () => {
        if (isOpen) return [];
        const token = await readToken(given, ports);
        return [
          given.authHeader === undefined ? ["authorization", `Bearer ${token}`] : [given.authHeader, token],
        ];
      },
    });
    return {
      async add({ name, value }, signal) {
        const domain = name.replace(/^_acme-challenge\./, "");
        const asked = await api.call("GET", `/domains/${encodeURIComponent(domain)}/supported`, { signal });
        if (asked["supported"] !== true) throw new Error(`${given.url} does not support ${domain}`);
        const body = {
          domain,
          record_name: name,
          record_type: "TXT",
          record_value: value,
          record_ttl: PROOF_TTL_SECS,
        };
        const id = textAt(await api.call("POST", "/records", { body, signal }), "record_id", "a new record");
        const path = `/records/${encodeURIComponent(id)}?domain=${encodeURIComponent(domain)}`;
        return async () => {
          await api.call("DELETE", path, { signal: unhurried() });
        };
      },
    };
  },
};
