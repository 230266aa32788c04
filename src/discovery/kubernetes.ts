import type { Plain } from "../core/config_node.ts";
import { expects, type Problem } from "../core/reading.ts";
import { scalar, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { Answer, DiscoveryKind, DiscoveryPorts, Finder, HttpAnswer, HttpRequest } from "./discovery.ts";
import { openAnswer, readAnswer, readToken, StatusError } from "./http.ts";
import { isObject, type JsonObject, listAt, objectAt, parseObject, textAt } from "./json.ts";
import { type EndpointSlice, readSlice, sliceTargets } from "./kubernetes/endpoint_slice.ts";
import {
  checkBaseUrl,
  checkTlsFields,
  discoveryOptions,
  mayCarrySecrets,
  tlsFields,
  urlBelow,
} from "./options.ts";

/** Where Kubernetes puts what a pod needs to talk to it. */
const ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Slices asked for at once; each holds up to 1000 endpoints. */
const PAGE_SLICES = 100;
const PAGES_MAX = 5;
/** Slices of one service; beyond it something else was found. */
const SLICES_MAX = PAGE_SLICES * PAGES_MAX;
const PAGE_BYTES_MAX = 33_554_432;
/** One event holds one slice: 1000 endpoints of at most a few kilobytes. */
const EVENT_BYTES_MAX = 4_194_304;
/** How long the server is asked to keep a watch open; another one follows where it ended. */
const WATCH_SECS = 290;
const HEAD_TIMEOUT_MS = 15_000;
const IDLE_TIMEOUT_MS = 15_000;
/** Bookmarks come every minute, but only from servers that know them. */
const WATCH_IDLE_MS = (WATCH_SECS + 15) * 1000;
/** Pause after a watch that ended with nothing new, so that one that ends at once is not opened all the time. */
const REOPEN_PAUSE_MS = 1_000;
/** 410 Gone: the version that a watch or a page was to go on from is forgotten. */
const GONE = 410;

/** Names of objects are DNS labels or subdomains (RFC 1123). */
function checkName(name: string): string | undefined {
  const isName = name.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name);
  return isName ? undefined : `must be the name of a Kubernetes object, found "${name}"`;
}

/** A port's name (RFC 6335 §5.1) or number, as text. */
function decodePort(value: Plain): string | Problem {
  const written = typeof value === "number" ? String(value) : value;
  const isNumber = typeof written === "string" && /^\d{1,5}$/.test(written);
  const isPort = isNumber && Number(written) >= 1 && Number(written) <= 65_535;
  const isName = typeof written === "string" && !isNumber &&
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(written);
  return isPort || isName ? written : expects("a port's name or number", value);
}

const port = scalar<string, { readonly summary: string; readonly aliases: readonly string[] }>(
  {
    summary: "Name or number of the endpoints' port; left out, the first one.",
    aliases: ["port-name"],
  },
  { type: "value", expected: "a port's name or number", json: { type: ["string", "integer"] } },
  decodePort,
);

const options = discoveryOptions({
  service: text({ summary: "Name of the service.", aliases: ["name"], required: true, check: checkName }),
  namespace: text({ summary: "Its namespace; left out, the one this pod runs in.", check: checkName }),
  port,
  url: text({
    summary: "Base of the API server.",
    aliases: ["api-server", "server"],
    check: checkBaseUrl,
    default: "https://kubernetes.default.svc",
  }),
  tokenFile: text({
    summary: 'File that holds the token, read anew for every request; "none" sends none.',
    default: `${ACCOUNT}/token`,
  }),
  ...tlsFields,
}, (value, report) => {
  checkTlsFields(value, report);
  if (value.tokenFile !== "none" && !mayCarrySecrets(value.url)) {
    report("url", '"discovery" would send its token unencrypted', 'use https, or token-file "none"');
  }
});

type KubernetesOptions = NonNullable<Infer<typeof options>>;

/** The endpoints of a service, by its EndpointSlices (kubernetes.io/docs/reference: discovery.k8s.io/v1). */
export const kubernetes: DiscoveryKind<"kubernetes", KubernetesOptions> = {
  type: "kubernetes",
  aliases: ["k8s"],
  summary: "The ready endpoints of a Kubernetes service, by a watch on its EndpointSlices.",
  options,
  subject: ({ namespace, service, port }) =>
    `${namespace ?? "."}/${service}${port === undefined ? "" : `:${port}`}`,
  create: (given, ports) => new KubernetesFinder(given, ports),
};

/** Lists once, then watches from there; lists again when the server has forgotten where that was. */
class KubernetesFinder implements Finder {
  readonly #options: KubernetesOptions;
  readonly #ports: DiscoveryPorts;
  /** By name; undefined before the list, and when it must be read again. */
  #slices: Map<string, EndpointSlice> | undefined;
  /** Where the next watch begins. */
  #version = "";
  #watch: { readonly answer: HttpAnswer; readonly batches: AsyncIterator<readonly string[]> } | undefined;

  constructor(given: KubernetesOptions, ports: DiscoveryPorts) {
    this.#options = given;
    this.#ports = ports;
  }

  async next(signal: AbortSignal): Promise<Answer> {
    try {
      if (this.#slices === undefined) {
        await this.#list(signal);
        return this.#answer(0);
      }
      return await this.#follow(signal);
    } catch (cause) {
      this.#endWatch();
      // What was seen may be half an event, so the state is read anew.
      this.#slices = undefined;
      if (cause instanceof StatusError && cause.status === GONE) return await this.#relist(signal);
      throw cause;
    }
  }

  close(): void {
    this.#endWatch();
  }

  /** 410 is no failure: it says that the list must be read again (API concepts, "410 Gone responses"). */
  async #relist(signal: AbortSignal): Promise<Answer> {
    await this.#list(signal);
    return this.#answer(REOPEN_PAUSE_MS);
  }

  #answer(againAfterMs: number): Answer {
    const slices = [...this.#slices!.values()];
    return { ...sliceTargets(slices, this.#options.port), againAfterMs };
  }

  async #list(signal: AbortSignal): Promise<void> {
    const slices = new Map<string, EndpointSlice>();
    let more: string | undefined;
    for (let page = 0; page < PAGES_MAX; page++) {
      const query: [string, string][] = [["limit", String(PAGE_SLICES)]];
      if (more !== undefined) query.push(["continue", more]);
      const request = await this.#request(query, { idleTimeoutMs: IDLE_TIMEOUT_MS, signal });
      const { text: body } = await readAnswer(this.#ports, request, PAGE_BYTES_MAX);
      const list = parseObject(body, "the list of EndpointSlices");
      for (const item of listAt(list, "items")) keep(slices, item);
      const about = objectAt(list, "metadata");
      more = textAt(about, "continue");
      if (more !== undefined) continue;
      this.#version = versionOf(list);
      this.#slices = slices;
      return;
    }
    throw new Error(`the service has more than ${SLICES_MAX} EndpointSlices`);
  }

  /** Reads events until they change something, or the watch ends. */
  async #follow(signal: AbortSignal): Promise<Answer> {
    this.#watch ??= await this.#open(signal);
    while (true) {
      const { done, value } = await this.#watch.batches.next();
      if (done) {
        this.#endWatch();
        return this.#answer(REOPEN_PAUSE_MS);
      }
      let changed = 0;
      for (const line of value) changed += this.#take(parseObject(line, "an event of the watch"));
      if (changed > 0) return this.#answer(0);
    }
  }

  async #open(signal: AbortSignal) {
    const query: [string, string][] = [
      ["watch", "1"],
      ["allowWatchBookmarks", "true"],
      ["resourceVersion", this.#version],
      ["timeoutSeconds", String(WATCH_SECS)],
    ];
    const request = await this.#request(query, { idleTimeoutMs: WATCH_IDLE_MS, signal });
    const answer = await openAnswer(this.#ports, request);
    return { answer, batches: answer.lines(EVENT_BYTES_MAX) };
  }

  /** Takes one event in; how many slices it changed. Throws for errors that the server reports. */
  #take(event: JsonObject): number {
    const slices = this.#slices!;
    const object = event["object"];
    switch (event["type"]) {
      case "ADDED":
      case "MODIFIED":
        this.#version = versionOf(object);
        keep(slices, object);
        return 1;
      case "DELETED":
        this.#version = versionOf(object);
        return slices.delete(nameOf(object)) ? 1 : 0;
      case "BOOKMARK":
        this.#version = versionOf(object);
        return 0;
      case "ERROR": {
        const code = isObject(object) && typeof object["code"] === "number" ? object["code"] : 0;
        throw new StatusError(code, `the watch ended: ${textAt(object, "message") ?? `status ${code}`}`);
      }
      default:
        throw new Error("the watch brought an event of an unknown type");
    }
  }

  async #request(
    query: readonly (readonly [string, string])[],
    how: Pick<HttpRequest, "idleTimeoutMs" | "signal">,
  ): Promise<HttpRequest> {
    const { url, service, tokenFile, clientCert, clientKey } = this.#options;
    const namespace = this.#options.namespace ?? await this.#ownNamespace();
    const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`;
    const selector: [string, string] = ["labelSelector", `kubernetes.io/service-name=${service}`];
    const token = tokenFile === "none" ? undefined : await readToken(this.#ports, tokenFile);
    return {
      method: "GET",
      url: urlBelow(url, path, [selector, ...query]),
      headers: [
        ["Accept", "application/json"],
        ...(token === undefined ? [] : [["Authorization", `Bearer ${token}`] as const]),
      ],
      headTimeoutMs: HEAD_TIMEOUT_MS,
      tls: { caFile: this.#caFile(), certFile: clientCert, keyFile: clientKey },
      ...how,
    };
  }

  /** The cluster's own authority, unless another is named or the API server is spoken to without TLS. */
  #caFile(): string | undefined {
    const { caCert, url, tokenFile } = this.#options;
    const isInside = tokenFile.startsWith(`${ACCOUNT}/`) && url.startsWith("https:");
    return caCert ?? (isInside ? `${ACCOUNT}/ca.crt` : undefined);
  }

  async #ownNamespace(): Promise<string> {
    const name = (await this.#ports.files.readText(`${ACCOUNT}/namespace`, 1024)).trim();
    const problem = checkName(name);
    if (problem !== undefined) throw new Error(`${ACCOUNT}/namespace ${problem}`);
    return name;
  }

  #endWatch(): void {
    this.#watch?.answer.close();
    this.#watch = undefined;
  }
}

function keep(slices: Map<string, EndpointSlice>, item: unknown): void {
  slices.set(nameOf(item), readSlice(item));
  if (slices.size > SLICES_MAX) throw new Error(`the service has more than ${SLICES_MAX} EndpointSlices`);
}

function nameOf(item: unknown): string {
  const name = textAt(objectAt(item, "metadata"), "name");
  if (name === undefined) throw new Error("an EndpointSlice without a name");
  return name;
}

function versionOf(item: unknown): string {
  const version = textAt(objectAt(item, "metadata"), "resourceVersion");
  if (version === undefined) throw new Error("an answer without a resourceVersion");
  return version;
}
