import { checkBaseUrl } from "../../discovery/options.ts";
import { type Infer, text } from "../../core/schema.ts";
import { isObject, listAt, textAt } from "../json.ts";
import { findZone, JsonApi, unhurried } from "./api.ts";
import { readToken } from "./credentials.ts";
import { checkCredentials, credentialFields, dnsProviderOptions } from "./options.ts";
import { type DnsProviderKind, PROOF_TTL_SECS } from "./provider.ts";

const options = dnsProviderOptions({
  ...credentialFields,
  url: text({ summary: "Where the API is.", check: checkBaseUrl, default: "https://dns.hetzner.com/api/v1" }),
}, checkCredentials);

/** Zones at Hetzner DNS, by an API token. */
export const hetzner: DnsProviderKind<"hetzner", NonNullable<Infer<typeof options>>> = {
  type: "hetzner",
  summary: "Zones at Hetzner DNS.",
  options,
  create(given, ports) {
    const api = new JsonApi({
      baseUrl: given.url,
      timeoutMs: given.apiTimeoutSecs * 1000,
      http: ports.http,
      headers: async () => [["auth-api-token", await readToken(given, ports)]],
    });
    return {
      async add({ name, value }, signal) {
        const { id: zoneId, zone } = await findZone(name, async (candidate) => {
          const found = await zonesNamed(api, candidate, signal);
          return found === undefined ? undefined : { id: found, zone: candidate };
        });
        const relative = name === zone ? "@" : name.slice(0, -zone.length - 1);
        const body = {
          zone_id: zoneId,
          name: relative,
          type: "TXT",
          value: `"${value}"`,
          ttl: PROOF_TTL_SECS,
        };
        const made = await api.call("POST", "/records", { body, signal });
        const id = textAt(isObject(made["record"]) ? made["record"] : {}, "id", "a new record");
        return async () => {
          await api.call("DELETE", `/records/${encodeURIComponent(id)}`, { signal: unhurried() });
        };
      },
    };
  },
};

async function zonesNamed(api: JsonApi, zone: string, signal: AbortSignal): Promise<string | undefined> {
  let found;
  try {
    found = await api.call("GET", `/zones?name=${encodeURIComponent(zone)}`, { signal });
  } catch (cause) {
    // It answers 404 for a name it has no zone of.
    if (cause instanceof Error && / answers 404\b/.test(cause.message)) return undefined;
    throw cause;
  }
  const first = listAt(found, "zones", "the list of zones").find((each) =>
    isObject(each) && each["name"] === zone
  );
  return isObject(first) ? textAt(first, "id", "a zone") : undefined;
}
