import { isHostName } from "../../core/address.ts";
import { type Infer, oneOf, text } from "../../core/schema.ts";
import type { DnsServer } from "../../discovery/discovery.ts";
import { Resolver } from "../../discovery/dns/resolver.ts";
import { askByTcp } from "../../discovery/dns/tcp.ts";
import { parseResolver } from "../../discovery/options.ts";
import { type Bytes, fromBase64 } from "../bytes.ts";
import type { AcmePorts } from "../ports.ts";
import { unhurried, zoneCandidates } from "./api.ts";
import { readToken } from "./credentials.ts";
import { checkCredentials, credentialFields, dnsProviderOptions } from "./options.ts";
import { type DnsProvider, type DnsProviderKind, PROOF_TTL_SECS, type TxtRecord } from "./provider.ts";
import { signMessage, type TsigKey, verifyAnswer } from "./tsig.ts";
import { decodeUpdateAnswer, encodeUpdate, rcodeText, type UpdateAnswer } from "./update.ts";

const options = dnsProviderOptions({
  server: text({
    summary: "Primary server of the zone.",
    aliases: ["nameserver"],
    required: true,
    check: (written) =>
      parseResolver(written) === undefined
        ? `must be the IP address of a DNS server such as "10.0.0.2:53", found "${written}"`
        : undefined,
    example: "10.0.0.2:53",
  }),
  zone: text({
    summary: "The zone; left out, the server is asked which one holds the name.",
    check: checkName,
    example: "example.org",
  }),
  keyName: text({
    summary: "Name of the shared key, as the server knows it.",
    aliases: ["tsig-key-name"],
    required: true,
    check: checkName,
  }),
  keyAlgorithm: oneOf({
    summary: "Algorithm of the shared key; its secret, in base64, is what the credentials hold.",
    aliases: ["tsig-algorithm"],
    values: { "hmac-sha256": ["sha256"], "hmac-sha384": ["sha384"], "hmac-sha512": ["sha512"] },
    default: "hmac-sha256",
  }),
  transport: oneOf({
    summary: "How changes are sent.",
    values: { tcp: [], udp: [] },
    default: "tcp",
  }),
  ...credentialFields,
}, checkCredentials);

type Rfc2136Options = NonNullable<Infer<typeof options>>;

function checkName(name: string): string | undefined {
  return isHostName(name) ? undefined : `must be a name such as "example.org", found "${name}"`;
}

/** Any server that takes signed changes: BIND, Knot, PowerDNS, NSD's primaries, Windows. */
export const rfc2136: DnsProviderKind<"rfc2136", Rfc2136Options> = {
  type: "rfc2136",
  aliases: ["nsupdate", "dynamic-update"],
  summary: "A DNS server that takes signed changes (RFC 2136, TSIG).",
  options,
  create: (given, ports) => new DynamicUpdates(given, ports),
};

class DynamicUpdates implements DnsProvider {
  readonly #options: Rfc2136Options;
  readonly #ports: AcmePorts;
  readonly #server: DnsServer;

  constructor(given: Rfc2136Options, ports: AcmePorts) {
    this.#options = given;
    this.#ports = ports;
    this.#server = parseResolver(given.server)!;
  }

  async add(record: TxtRecord, signal: AbortSignal): Promise<() => Promise<void>> {
    const zone = this.#options.zone?.replace(/\.$/, "").toLowerCase() ??
      await this.#zoneOf(record.name, signal);
    await this.#change({ zone, record, addTtlSecs: PROOF_TTL_SECS }, signal);
    return () => this.#change({ zone, record, addTtlSecs: undefined }, unhurried());
  }

  /** The closest name above that has a start of authority is the zone. */
  async #zoneOf(name: string, signal: AbortSignal): Promise<string> {
    const timeoutMs = this.#options.apiTimeoutSecs * 1000;
    const resolver = new Resolver({ servers: [this.#server], timeoutMs, attempts: 1 }, this.#ports);
    for (const candidate of zoneCandidates(name)) {
      const { records } = await resolver.resolve(candidate, "SOA", signal);
      if (records.length > 0) return candidate;
    }
    // Zones of one label exist inside networks.
    const top = name.slice(name.lastIndexOf(".") + 1);
    const { records } = await resolver.resolve(top, "SOA", signal);
    if (records.length > 0) return top;
    throw new Error(`${this.#options.server} has no zone that holds ${name}`);
  }

  async #change(
    change: { readonly zone: string; readonly record: TxtRecord; readonly addTtlSecs: number | undefined },
    signal: AbortSignal,
  ): Promise<void> {
    signal.throwIfAborted();
    const key = await this.#key();
    const id = this.#ports.random.u32() & 0xffff;
    const { clock } = this.#ports;
    const { bytes, mac } = await signMessage(encodeUpdate({ id, ...change }), key, clock.wallMs());
    const { answer, read } = await this.#exchange(bytes, id);
    const where = `${this.#options.server}, zone ${change.zone}`;
    if (read.tsigAt === undefined) {
      const why = read.rcode === 0 ? "an answer that is not signed" : rcodeText(read.rcode);
      throw new Error(`${where}: ${why}`);
    }
    try {
      await verifyAnswer(answer, read.tsigAt, { key, mac, wallMs: clock.wallMs() });
    } catch (cause) {
      throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
    if (read.rcode !== 0) throw new Error(`${where}: ${rcodeText(read.rcode)}`);
  }

  async #exchange(
    bytes: Bytes,
    id: number,
  ): Promise<{ readonly answer: Bytes; readonly read: UpdateAnswer }> {
    const timeoutMs = this.#options.apiTimeoutSecs * 1000;
    const request = { server: this.#server, bytes, timeoutMs };
    let answer: Bytes | undefined;
    let read: UpdateAnswer | undefined;
    if (this.#options.transport === "tcp") {
      answer = await askByTcp(request, this.#ports);
      read = decodeUpdateAnswer(answer, id);
    } else {
      await this.#ports.datagrams.exchange({
        ...request,
        accept: (reply) => {
          answer = Uint8Array.from(reply);
          try {
            return (read = decodeUpdateAnswer(answer, id)) !== undefined;
          } catch {
            // Anybody may send a datagram; the server's own may still come.
            return false;
          }
        },
      });
    }
    if (answer === undefined || read === undefined) {
      throw new Error(`${this.#options.server} answers something else`);
    }
    return { answer, read };
  }

  async #key(): Promise<TsigKey> {
    const secret = fromBase64(await readToken(this.#options, this.#ports));
    if (secret === undefined || secret.length === 0) throw new Error("the secret of the key is no base64");
    const { keyName, keyAlgorithm } = this.#options;
    return { name: keyName.replace(/\.$/, "").toLowerCase(), algorithm: keyAlgorithm, secret };
  }
}
