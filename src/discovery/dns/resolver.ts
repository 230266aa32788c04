import { DiscoveryError, type DiscoveryPorts, type DnsServer } from "../discovery.ts";
import {
  decodeReply,
  type DnsQuestion,
  type DnsRecord,
  type DnsReply,
  encodeQuery,
  NXDOMAIN,
  type QueryType,
  RCODES,
  type RecordData,
} from "./message.ts";
import { parseResolvConf } from "./resolv_conf.ts";
import { askByTcp } from "./tcp.ts";

/** Aliases of aliases that are followed. */
const ALIASES_MAX = 16;
/** A negative answer is not believed for longer (RFC 2308 §5 suggests hours; targets come back sooner). */
const NEGATIVE_TTL_MAX_SECS = 30;
const SYSTEM_FILE = "/etc/resolv.conf";
const SYSTEM_FILE_BYTES_MAX = 65_536;

/** How a resolver asks. */
export interface ResolverOptions {
  /** Empty means those of the system. */
  readonly servers: readonly DnsServer[];
  readonly timeoutMs: number;
  /** Times that the list of servers is gone through. */
  readonly attempts: number;
}

/** What is known of a name. */
export interface Resolved<Type extends QueryType> {
  /** Empty when the name or its records do not exist. */
  readonly records: readonly Extract<RecordData, { readonly type: Type }>[];
  /** How long this holds: the least time of all records on the way. */
  readonly ttlSecs: number;
}

/** Asks DNS servers, one question at a time, over UDP and, when the answer does not fit, over TCP. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #ports: Pick<DiscoveryPorts, "random" | "datagrams" | "dialer" | "files" | "timers">;

  constructor(
    options: ResolverOptions,
    ports: Pick<DiscoveryPorts, "random" | "datagrams" | "dialer" | "files" | "timers">,
  ) {
    this.#options = options;
    this.#ports = ports;
  }

  /** The records of a name. Rejects when no server gives a usable answer, or `signal` is aborted. */
  async resolve<Type extends QueryType>(
    name: string,
    type: Type,
    signal: AbortSignal,
  ): Promise<Resolved<Type>> {
    const wanted = name.toLowerCase().replace(/\.$/, "");
    const servers = await this.#servers();
    let last = "";
    for (let attempt = 0; attempt < this.#options.attempts; attempt++) {
      for (const server of servers) {
        signal.throwIfAborted();
        try {
          return await this.#ask(server, { id: this.#ports.random.u32() & 0xffff, name: wanted, type });
        } catch (cause) {
          const where = `${server.ip}:${server.port}`;
          last = `${where}: ${cause instanceof Error ? cause.message : String(cause)}`;
        }
      }
    }
    throw new DiscoveryError(`no answer for ${type} ${wanted} (${last})`);
  }

  /** The system's servers are read anew every time: they change when a machine moves. */
  async #servers(): Promise<readonly DnsServer[]> {
    if (this.#options.servers.length > 0) return this.#options.servers;
    const text = await this.#ports.files.readText(SYSTEM_FILE, SYSTEM_FILE_BYTES_MAX);
    const servers = parseResolvConf(text);
    if (servers.length === 0) throw new DiscoveryError(`${SYSTEM_FILE} names no server`);
    return servers;
  }

  async #ask<Type extends QueryType>(
    server: DnsServer,
    question: DnsQuestion & { readonly type: Type },
  ): Promise<Resolved<Type>> {
    const query = encodeQuery(question);
    let reply: DnsReply | undefined;
    await this.#ports.datagrams.exchange({
      server,
      bytes: query,
      timeoutMs: this.#options.timeoutMs,
      accept: (bytes) => (reply = decodeReply(bytes, question)) !== undefined,
    });
    if (reply?.truncated) reply = decodeReply(await this.#byTcp(server, query), question);
    if (reply === undefined) throw new Error("the answer over TCP is to another question");
    if (reply.truncated) throw new Error("the answer over TCP is cut off too");
    if (reply.rcode !== 0 && reply.rcode !== NXDOMAIN) {
      throw new Error(`the server answered ${RCODES[reply.rcode] ?? `code ${reply.rcode}`}`);
    }
    return follow(reply, question);
  }

  #byTcp(server: DnsServer, bytes: Uint8Array): Promise<Uint8Array> {
    return askByTcp({ server, bytes, timeoutMs: this.#options.timeoutMs }, this.#ports);
  }
}

/** The records of a reply that belong to the question, through its aliases; everything else is not believed. */
function follow<Type extends QueryType>(
  reply: DnsReply,
  question: DnsQuestion & { readonly type: Type },
): Resolved<Type> {
  let name = question.name;
  let ttlSecs = Infinity;
  for (let aliases = 0;; aliases++) {
    const own: DnsRecord[] = reply.answers.filter((record) => record.name === name);
    const found = own.filter((record) => record.data.type === question.type);
    if (found.length > 0) {
      ttlSecs = found.reduce((least, record) => Math.min(least, record.ttlSecs), ttlSecs);
      const records = found.map((record) => record.data as Extract<RecordData, { readonly type: Type }>);
      return { records, ttlSecs };
    }
    const alias = own.find((record) => record.data.type === "CNAME");
    if (alias === undefined || alias.data.type !== "CNAME") break;
    if (aliases === ALIASES_MAX) throw new Error(`more than ${ALIASES_MAX} aliases after each other`);
    name = alias.data.name;
    ttlSecs = Math.min(ttlSecs, alias.ttlSecs);
  }
  // RFC 2308 §5: how long "there is none" holds stands in the SOA record, if there is one.
  for (const { data, ttlSecs: soaTtl } of reply.authority) {
    if (data.type === "SOA") ttlSecs = Math.min(ttlSecs, soaTtl, data.minimumSecs);
  }
  return { records: [], ttlSecs: Math.min(ttlSecs, NEGATIVE_TTL_MAX_SECS) };
}
