import { text, texts } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import { type Answer, type DiscoveredTarget, DiscoveryError } from "./discovery.ts";
import type { DiscoveryKind, DiscoveryPorts, Finder, HttpAnswer, HttpRequest } from "./discovery.ts";
import { readEntry } from "./etcd/entry.ts";
import { decodeBase64, encodeBase64, prefixEnd } from "./etcd/keys.ts";
import { openAnswer, readAnswer, StatusError } from "./http.ts";
import { isObject, type JsonObject, listAt, objectAt, parseObject, textAt } from "./json.ts";
import { checkBaseUrl, checkTlsFields, discoveryOptions, tlsFields, urlBelow } from "./options.ts";

/** Keys below the prefix; asked for one more, so that more are noticed. */
const KEYS_MAX = 10_000;
const ANSWER_BYTES_MAX = 33_554_432;
/** etcd sends a watch's events of one revision in one message; it bounds requests to 1.5 MB and so do transactions. */
const EVENT_BYTES_MAX = 8_388_608;
const PASSWORD_BYTES_MAX = 4096;
const HEAD_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 10_000;
/** A watch that is silent for so long is opened anew: its connection may be dead. */
const WATCH_IDLE_MS = 300_000;
/** Pause after a watch that ended, so that one that ends at once is not opened all the time. */
const REOPEN_PAUSE_MS = 1_000;

const options = discoveryOptions({
  urls: texts({
    summary: "Bases of the servers' client URLs; the next one is asked when one fails.",
    aliases: ["url", "endpoints", "endpoint"],
    check: checkBaseUrl,
    example: "http://127.0.0.1:2379",
  }),
  prefix: text({
    summary:
      "Keys below it are targets; their values are `host:port`, or JSON with `address` (or `Addr`), `weight`, `priority`, `zone`.",
    aliases: ["key-prefix"],
    required: true,
    example: "/services/api/",
  }),
  user: text({ summary: "Name to log in with.", aliases: ["username"] }),
  passwordFile: text({ summary: "File that holds its password; read anew for every login." }),
  ...tlsFields,
}, (value, report) => {
  checkTlsFields(value, report);
  if ((value.user === undefined) === (value.passwordFile === undefined)) return;
  const [has, lacks] = value.user === undefined ? ["passwordFile", "user"] : ["user", "password-file"];
  report(has!, `"discovery" needs "${lacks}" too`);
});

type EtcdOptions = NonNullable<Infer<typeof options>>;
const URL_STANDARD = "http://127.0.0.1:2379";

/** Keys below a prefix, through the JSON gateway of etcd's v3 API (etcd.io/docs: "gRPC gateway", "API"). */
export const etcd: DiscoveryKind<"etcd", EtcdOptions> = {
  type: "etcd",
  summary: "The values of the keys below a prefix in etcd (v3), followed by a watch.",
  options,
  subject: ({ prefix }) => prefix,
  create: (given, ports) => new EtcdFinder(given, ports),
};

/** Reads all keys once, then watches from the next revision on; reads again when that was compacted away. */
class EtcdFinder implements Finder {
  readonly #options: EtcdOptions;
  readonly #ports: DiscoveryPorts;
  readonly #range: { readonly key: string; readonly range_end: string };
  /** Key → value, both as they came; undefined when they must be read (again). */
  #values: Map<string, string> | undefined;
  #revision = 0n;
  #watch: { readonly answer: HttpAnswer; readonly batches: AsyncIterator<readonly string[]> } | undefined;
  #token: string | undefined;
  /** Which of the servers is asked. */
  #server = 0;

  constructor(given: EtcdOptions, ports: DiscoveryPorts) {
    this.#options = given;
    this.#ports = ports;
    this.#range = { key: encodeBase64(given.prefix), range_end: prefixEnd(given.prefix) };
  }

  async next(signal: AbortSignal): Promise<Answer> {
    try {
      if (this.#values === undefined) {
        await this.#readAll(signal);
        return this.#answer(0);
      }
      return await this.#follow(signal);
    } catch (cause) {
      this.#endWatch();
      this.#values = undefined;
      this.#token = undefined;
      if (cause instanceof CompactedError) {
        await this.#readAll(signal);
        return this.#answer(REOPEN_PAUSE_MS);
      }
      this.#server++;
      throw cause;
    }
  }

  close(): void {
    this.#endWatch();
  }

  #answer(againAfterMs: number): Answer {
    const targets: DiscoveredTarget[] = [];
    let count = 0;
    let first: string | undefined;
    for (const value of this.#values!.values()) {
      const target = readEntry(decodeBase64(value));
      if (typeof target !== "string") targets.push(target);
      else {
        count++;
        first ??= target;
      }
    }
    return { targets, againAfterMs, ...(first === undefined ? {} : { rejected: { count, first } }) };
  }

  async #readAll(signal: AbortSignal): Promise<void> {
    const body = { ...this.#range, limit: String(KEYS_MAX + 1) };
    const request = await this.#request("/v3/kv/range", body, { idleTimeoutMs: IDLE_TIMEOUT_MS, signal });
    const { text: answer } = await readAnswer(this.#ports, request, ANSWER_BYTES_MAX);
    const found = parseObject(answer, "the answer of etcd");
    const values = new Map<string, string>();
    for (const entry of listAt(found, "kvs")) values.set(keyOf(entry), textAt(entry, "value") ?? "");
    if (values.size > KEYS_MAX) {
      throw new DiscoveryError(`there are more than ${KEYS_MAX} keys below the prefix`);
    }
    this.#revision = revisionOf(found);
    this.#values = values;
  }

  async #follow(signal: AbortSignal): Promise<Answer> {
    this.#watch ??= await this.#open(signal);
    while (true) {
      const { done, value } = await this.#nextBatch(this.#watch.batches);
      if (done) {
        this.#endWatch();
        return this.#answer(REOPEN_PAUSE_MS);
      }
      let changed = 0;
      for (const line of value) changed += this.#take(parseObject(line, "a message of the watch"));
      if (changed > 0) return this.#answer(0);
    }
  }

  /** Silence is no failure: the watch goes on from its revision over another connection. */
  async #nextBatch(batches: AsyncIterator<readonly string[]>): Promise<IteratorResult<readonly string[]>> {
    const startedMs = this.#ports.clock.nowMs();
    try {
      return await batches.next();
    } catch (cause) {
      if (this.#ports.clock.nowMs() - startedMs >= WATCH_IDLE_MS) return { done: true, value: undefined };
      throw cause;
    }
  }

  async #open(signal: AbortSignal) {
    const body = { create_request: { ...this.#range, start_revision: String(this.#revision + 1n) } };
    const request = await this.#request("/v3/watch", body, { idleTimeoutMs: WATCH_IDLE_MS, signal });
    const answer = await openAnswer(this.#ports, request);
    return { answer, batches: answer.lines(EVENT_BYTES_MAX) };
  }

  /** Takes one message of the watch in; how many keys it changed. */
  #take(message: JsonObject): number {
    if (isObject(message["error"])) {
      throw new Error(
        `the watch ended: ${textAt(message["error"], "message") ?? "an error without a message"}`,
      );
    }
    const result = objectAt(message, "result");
    if (result["canceled"] === true) {
      const compacted = textAt(result, "compact_revision");
      if (compacted !== undefined && compacted !== "0") {
        throw new CompactedError("the revision was compacted");
      }
      throw new Error(`the watch was cancelled: ${textAt(result, "cancel_reason") ?? "no reason given"}`);
    }
    const events = listAt(result, "events");
    for (const event of events) this.#apply(event);
    const revision = revisionOf(result);
    if (events.length > 0 && revision > this.#revision) this.#revision = revision;
    return events.length;
  }

  #apply(event: unknown): void {
    const values = this.#values!;
    const entry = objectAt(event, "kv");
    // PUT is the first of its kind, so the gateway leaves it out.
    const type = textAt(event, "type") ?? "PUT";
    if (type === "DELETE") values.delete(keyOf(entry));
    else if (type === "PUT") values.set(keyOf(entry), textAt(entry, "value") ?? "");
    else throw new Error("the watch brought an event of an unknown type");
    if (values.size > KEYS_MAX) {
      throw new DiscoveryError(`there are more than ${KEYS_MAX} keys below the prefix`);
    }
  }

  async #request(
    path: string,
    body: unknown,
    how: Pick<HttpRequest, "idleTimeoutMs" | "signal">,
  ): Promise<HttpRequest> {
    if (this.#options.user !== undefined) this.#token ??= await this.#logIn(how.signal);
    const token: [string, string][] = this.#token === undefined ? [] : [["Authorization", this.#token]];
    return this.#post({ path, body, headers: token, ...how });
  }

  async #logIn(signal: AbortSignal): Promise<string> {
    const { user, passwordFile } = this.#options;
    const written = await this.#ports.files.readText(passwordFile!, PASSWORD_BYTES_MAX);
    const body = { name: user, password: written.replace(/\r?\n$/, "") };
    const request = this.#post({
      path: "/v3/auth/authenticate",
      body,
      headers: [],
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      signal,
    });
    const { text: answer } = await readAnswer(this.#ports, request, 65_536);
    const token = textAt(parseObject(answer, "the answer of etcd"), "token");
    if (token === undefined || !/^[!-~]+$/.test(token)) throw new StatusError(401, "etcd gave no token");
    return token;
  }

  #post(
    how: Pick<HttpRequest, "idleTimeoutMs" | "signal" | "headers"> & {
      readonly path: string;
      readonly body: unknown;
    },
  ): HttpRequest {
    const { urls, caCert, clientCert, clientKey } = this.#options;
    const { path, body, headers, idleTimeoutMs, signal } = how;
    return {
      method: "POST",
      url: urlBelow(urls.length === 0 ? URL_STANDARD : urls[this.#server % urls.length]!, path, []),
      headers: [["Content-Type", "application/json"], ...headers],
      body: JSON.stringify(body),
      headTimeoutMs: HEAD_TIMEOUT_MS,
      idleTimeoutMs,
      tls: { caFile: caCert, certFile: clientCert, keyFile: clientKey },
      signal,
    };
  }

  #endWatch(): void {
    this.#watch?.answer.close();
    this.#watch = undefined;
  }
}

/** What a watch was to go on from is gone, so everything is read again. */
class CompactedError extends Error {}

function keyOf(entry: unknown): string {
  const key = textAt(entry, "key");
  if (key === undefined) throw new Error("an entry without a key");
  return key;
}

/** The gateway writes 64-bit numbers as texts. */
function revisionOf(message: unknown): bigint {
  const revision = textAt(objectAt(message, "header"), "revision");
  if (revision === undefined || !/^\d{1,19}$/.test(revision)) throw new Error("an answer without a revision");
  return BigInt(revision);
}
