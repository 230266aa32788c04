import type { Timers } from "../core/ports.ts";
import { Resolver } from "../discovery/dns/resolver.ts";
import { parseResolver } from "../discovery/options.ts";
import { AcmeError, reasonText } from "./acme_error.ts";
import type { CommonDnsOptions } from "./dns/options.ts";
import type { DnsProvider, RemoveRecord, TxtRecord } from "./dns/provider.ts";
import { dnsProof } from "./jws.ts";
import { type AcmePorts, pause } from "./ports.ts";
import type { Proof, Solver } from "./solver.ts";

/** One look at a name. */
const LOOK_TIMEOUT_MS = 5_000;
const LOOK_ATTEMPTS = 3;

/** Proves names by TXT records at `_acme-challenge.` (RFC 8555 §8.4). */
export class Dns01 implements Solver {
  readonly type = "dns-01";
  readonly #provider: DnsProvider;
  readonly #options: Pick<CommonDnsOptions, "propagation">;
  readonly #ports: AcmePorts;

  constructor(init: {
    readonly provider: DnsProvider;
    readonly options: Pick<CommonDnsOptions, "propagation">;
    readonly ports: AcmePorts;
  }) {
    this.#provider = init.provider;
    this.#options = init.options;
    this.#ports = init.ports;
  }

  async present(proofs: readonly Proof[], signal: AbortSignal): Promise<() => Promise<void>> {
    const removals: RemoveRecord[] = [];
    const remove = () => this.#remove(removals);
    try {
      const records: TxtRecord[] = [];
      // One after the other: many APIs lose one of two changes to a zone that come at once.
      for (const { domain, keyAuthorization } of proofs) {
        const record = { name: `_acme-challenge.${domain}`, value: await dnsProof(keyAuthorization) };
        removals.push(await this.#provider.add(record, signal));
        records.push(record);
      }
      await this.#shown(records, signal);
    } catch (cause) {
      await remove();
      if (cause instanceof AcmeError) throw cause;
      throw new AcmeError("dns", reasonText(cause), { cause });
    }
    return remove;
  }

  async #remove(removals: readonly RemoveRecord[]): Promise<void> {
    for (const removal of removals) {
      try {
        await removal();
      } catch (cause) {
        const error = reasonText(cause);
        this.#ports.log("warn", "A DNS record of an ACME challenge could not be removed", { error });
      }
    }
  }

  /** Resolves once every record shows. */
  async #shown(records: readonly TxtRecord[], signal: AbortSignal): Promise<void> {
    const { initialDelaySecs, checkIntervalSecs, timeoutSecs, nameservers } = this.#options.propagation;
    const { timers, clock }: { timers: Timers; clock: AcmePorts["clock"] } = this.#ports;
    const servers = nameservers.flatMap((written) => parseResolver(written) ?? []);
    const resolver = new Resolver(
      { servers, timeoutMs: LOOK_TIMEOUT_MS, attempts: LOOK_ATTEMPTS },
      this.#ports,
    );
    const dueMs = clock.nowMs() + (initialDelaySecs + timeoutSecs) * 1000;
    await pause(timers, initialDelaySecs * 1000, signal);
    let missing = records;
    while (true) {
      const { hidden, why } = await this.#hidden(resolver, missing, signal);
      if (hidden.length === 0) return;
      missing = hidden;
      if (clock.nowMs() >= dueMs) {
        const name = missing[0]!.name;
        throw new AcmeError("dns", `the TXT record of ${name} does not show after ${timeoutSecs} s (${why})`);
      }
      await pause(timers, checkIntervalSecs * 1000, signal);
    }
  }

  async #hidden(resolver: Resolver, records: readonly TxtRecord[], signal: AbortSignal) {
    const hidden: TxtRecord[] = [];
    let why = "";
    for (const record of records) {
      try {
        const found = await resolver.resolve(record.name, "TXT", signal);
        if (found.records.some(({ text }) => text === record.value)) continue;
        why = found.records.length === 0 ? "there is none" : `there are ${found.records.length} others`;
      } catch (cause) {
        signal.throwIfAborted();
        why = reasonText(cause);
      }
      hidden.push(record);
    }
    return { hidden, why };
  }
}
