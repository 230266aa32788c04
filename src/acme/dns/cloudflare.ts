import { checkBaseUrl } from "../../discovery/options.ts";
import { type Infer, text } from "../../core/schema.ts";
import { isObject, listAt, textAt } from "../json.ts";
import { findZone, JsonApi, unhurried } from "./api.ts";
import { readToken } from "./credentials.ts";
import { checkCredentials, credentialFields, dnsProviderOptions } from "./options.ts";
import { type DnsProviderKind, PROOF_TTL_SECS } from "./provider.ts";

const options = dnsProviderOptions({
  ...credentialFields,
  url: text({
    summary: "Where the API is.",
    check: checkBaseUrl,
    default: "https://api.cloudflare.com/client/v4",
  }),
}, checkCredentials);

/** Zones at Cloudflare, by a token that may edit their DNS. */
export const cloudflare: DnsProviderKind<"cloudflare", NonNullable<Infer<typeof options>>> = {
  type: "cloudflare",
  summary: "Zones at Cloudflare; the token needs the permission to edit DNS.",
  options,
  create(given, ports) {
    const api = new JsonApi({
      baseUrl: given.url,
      timeoutMs: given.apiTimeoutSecs * 1000,
      http: ports.http,
      headers: async () => [["authorization", `Bearer ${await readToken(given, ports)}`]],
    });
    return {
      async add({ name, value }, signal) {
        const zoneId = await findZone(name, async (zone) => {
          const found = await api.call("GET", `/zones?name=${encodeURIComponent(zone)}`, { signal });
          const first = listAt(found, "result", "the list of zones").find(isObject);
          return first === undefined ? undefined : textAt(first, "id", "a zone");
        });
        const records = `/zones/${encodeURIComponent(zoneId)}/dns_records`;
        const body = { type: "TXT", name, content: `"${value}"`, ttl: PROOF_TTL_SECS };
        const made = await api.call("POST", records, { body, signal });
        const id = textAt(isObject(made["result"]) ? made["result"] : {}, "id", "a new record");
        return async () => {
          await api.call("DELETE", `${records}/${encodeURIComponent(id)}`, { signal: unhurried() });
        };
      },
    };
  },
};
