import { duration, flag, text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Answer, DiscoveredTarget } from "./discovery.ts";
import type { DiscoveryKind, DiscoveryPorts, Finder } from "./discovery.ts";
import { addressOf } from "./dns.ts";
import { readAnswer, readToken } from "./http.ts";
import { isObject, listAt, objectAt, parseList, portAt, textAt } from "./json.ts";
import { checkBaseUrl, checkTlsFields, discoveryOptions, tlsFields, urlBelow } from "./options.ts";

const ANSWER_BYTES_MAX = 16_777_216;
const ANSWER_IDLE_MS = 10_000;
/** Beyond the wait that was asked for: Consul adds up to a sixteenth, and the network its share. */
const WAIT_GRACE_MS = 10_000;
/** Pause between blocking queries: a service that flaps must not be fetched all the time. */
const PAUSE_MS = 250;
/** Pause when the query came back before its time with nothing new: whoever answers does not block. */
const UNCHANGED_PAUSE_MS = 1_000;

/** What stands in a name, tag or datacentre; they go into a URL, escaped. */
function checkWord(word: string): string | undefined {
  return /^[!-~]+$/.test(word) ? undefined : "must not contain spaces or control characters";
}

const options = discoveryOptions({
  url: text({
    summary: "Base of the HTTP API.",
    aliases: ["address", "server"],
    check: checkBaseUrl,
    default: "http://127.0.0.1:8500",
  }),
  service: text({ summary: "Name of the service.", aliases: ["name"], required: true, check: checkWord }),
  tags: texts({
    summary: "Tags that an instance must have, all of them.",
    aliases: ["tag"],
    check: checkWord,
  }),
  datacenter: text({ summary: "Datacentre; left out, the agent's own.", aliases: ["dc"], check: checkWord }),
  namespace: text({ summary: "Namespace (Consul Enterprise).", aliases: ["ns"], check: checkWord }),
  token: text({ summary: "ACL token; better kept in a file.", check: checkWord }),
  tokenFile: text({ summary: "File that holds the ACL token; read anew for every question." }),
  passingOnly: flag({
    summary:
      "Take only instances whose checks all pass; else also those that warn, with the weight for that.",
    aliases: ["passing", "only-passing"],
    default: true,
  }),
  waitSecs: duration({
    summary: "How long a blocking query may wait for a change.",
    aliases: ["wait"],
    unit: "s",
    min: 1,
    max: 600,
    default: 300,
  }),
  ...tlsFields,
}, (value, report) => {
  checkTlsFields(value, report);
  if (value.token !== undefined && value.tokenFile !== undefined) {
    report("tokenFile", '"discovery" has both a token and a token-file', "keep one of them");
  }
});

type ConsulOptions = NonNullable<Infer<typeof options>>;

/** The instances of a service in Consul's catalogue, by blocking queries (developer.hashicorp.com/consul/api-docs). */
export const consul: DiscoveryKind<"consul", ConsulOptions> = {
  type: "consul",
  summary: "The healthy instances of a service in Consul, followed by blocking queries.",
  options,
  subject: ({ service, tags, datacenter, namespace }) =>
    [namespace && `${namespace}/`, service, datacenter && `@${datacenter}`, ...tags.map((tag) => ` #${tag}`)]
      .join(""),
  create: (given, ports) => new ConsulFinder(given, ports),
};

class ConsulFinder implements Finder {
  readonly #options: ConsulOptions;
  readonly #ports: DiscoveryPorts;
  /** Where the catalogue stood at the last answer; 0 asks for the answer at once. */
  #index = 0n;

  constructor(given: ConsulOptions, ports: DiscoveryPorts) {
    this.#options = given;
    this.#ports = ports;
  }

  async next(signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#ask(signal);
    } catch (cause) {
      // After a failure the state is asked for, not a change: whoever answers next may count otherwise.
      this.#index = 0n;
      throw cause;
    }
  }

  close(): void {}

  async #ask(signal: AbortSignal): Promise<Answer> {
    const { waitSecs, caCert, clientCert, clientKey } = this.#options;
    const waitMs = this.#index === 0n ? 0 : waitSecs * 1000;
    const startedMs = this.#ports.clock.nowMs();
    const { text: body, answer } = await readAnswer(this.#ports, {
      method: "GET",
      url: this.#url(),
      headers: await this.#headers(),
      headTimeoutMs: waitMs + waitMs / 16 + WAIT_GRACE_MS,
      idleTimeoutMs: ANSWER_IDLE_MS,
      tls: { caFile: caCert, certFile: clientCert, keyFile: clientKey },
      signal,
    }, ANSWER_BYTES_MAX);
    const found = instances(parseList(body, "the answer of Consul"), this.#options);
    const before = this.#index;
    this.#index = nextIndex(answer.header("x-consul-index"), before);
    const tookMs = this.#ports.clock.nowMs() - startedMs;
    const isEarly = this.#index === before && tookMs < Math.min(waitMs, UNCHANGED_PAUSE_MS);
    return { ...found, againAfterMs: isEarly || this.#index === 0n ? UNCHANGED_PAUSE_MS : PAUSE_MS };
  }

  #url(): string {
    const { url, service, tags, datacenter, namespace, passingOnly, waitSecs } = this.#options;
    const query: [string, string][] = tags.map((tag) => ["tag", tag]);
    if (passingOnly) query.push(["passing", "true"]);
    if (datacenter !== undefined) query.push(["dc", datacenter]);
    if (namespace !== undefined) query.push(["ns", namespace]);
    if (this.#index > 0n) {
      query.push(["index", String(this.#index)], ["wait", `${Math.round(waitSecs * 1000)}ms`]);
    }
    return urlBelow(url, `/v1/health/service/${encodeURIComponent(service)}`, query);
  }

  async #headers(): Promise<readonly (readonly [string, string])[]> {
    const { token, tokenFile } = this.#options;
    const secret = tokenFile === undefined ? token : await readToken(this.#ports, tokenFile);
    return secret === undefined ? [] : [["X-Consul-Token", secret]];
  }
}

/** Consul's rules for clients: start over when the index falls or makes no sense, and never ask with 0. */
function nextIndex(written: string | undefined, before: bigint): bigint {
  if (written === undefined || !/^\d{1,20}$/.test(written)) return 0n;
  const index = BigInt(written);
  return index < before || index < 1n ? 0n : index;
}

function instances(list: readonly unknown[], given: ConsulOptions): Pick<Answer, "targets" | "rejected"> {
  const targets: DiscoveredTarget[] = [];
  let count = 0;
  let first: string | undefined;
  for (const entry of list) {
    const status = worstStatus(listAt(entry, "Checks"));
    if (status === "critical" || (status === "warning" && given.passingOnly)) continue;
    const target = instance(entry, status);
    if (typeof target !== "string") targets.push(target);
    else {
      count++;
      first ??= target;
    }
  }
  return first === undefined ? { targets } : { targets, rejected: { count, first } };
}

/** An instance as a target; a text when it is none, saying why. */
function instance(entry: unknown, status: "passing" | "warning"): DiscoveredTarget | string {
  const service = objectAt(entry, "Service");
  const host = textAt(service, "Address") ?? textAt(objectAt(entry, "Node"), "Address");
  const port = portAt(service, "Port");
  if (host === undefined || port === undefined) return "an instance without an address or a port";
  const weight = objectAt(service, "Weights")[status === "warning" ? "Warning" : "Passing"];
  return { address: addressOf(host, port), weight: typeof weight === "number" ? weight : 1 };
}

function worstStatus(checks: readonly unknown[]): "passing" | "warning" | "critical" {
  let worst: "passing" | "warning" = "passing";
  for (const check of checks) {
    const status = isObject(check) ? check["Status"] : undefined;
    if (status === "warning") worst = "warning";
    else if (status !== "passing") return "critical";
  }
  return worst;
}
