import {
  type CertificateSink,
  type CertificateState,
  ManagedCertificate,
  type RenewalOutcome,
} from "./managed_certificate.ts";
import type { ServedCertificate } from "./managed_certificate.ts";
import { Dns01 } from "./dns01.ts";
import { findDnsProvider } from "./dns/find_provider.ts";
import { Http01 } from "./http01.ts";
import type { AcmeOptions } from "./options.ts";
import type { AcmePorts, ChallengeBoard } from "./ports.ts";
import type { Solver } from "./solver.ts";
import { Turns } from "./turns.ts";

/** Orders at a time; each is mostly waiting. */
const ORDERS_MAX = 4;

/** What a manager needs. */
export interface AcmeManagerInit {
  readonly ports: AcmePorts;
  readonly board: ChallengeBoard;
  readonly sink: CertificateSink;
  readonly attempted: (name: string, outcome: RenewalOutcome) => void;
}

/**
 * The certificates of a configuration, by identity: one whose options stay goes on over a reload, with its
 * order. What a reload that fails had prepared is ended with it.
 */
export class AcmeManager {
  readonly #init: AcmeManagerInit;
  readonly #http01: Http01;
  readonly #turns = new Turns(ORDERS_MAX);
  #managed = new Map<string, ManagedCertificate>();
  #prepared = new Map<string, ManagedCertificate>();

  constructor(init: AcmeManagerInit) {
    this.#init = init;
    this.#http01 = new Http01(init.board);
  }

  /** Loads what is new, or makes stand-ins for it. Resolves with what is to be served from the start. */
  async prepare(wanted: readonly AcmeOptions[]): Promise<readonly ServedCertificate[]> {
    this.abandon();
    const loads: Promise<ServedCertificate>[] = [];
    for (const options of wanted) {
      const key = JSON.stringify(options);
      const running = this.#managed.get(key);
      const certificate = running ?? this.#create(options);
      this.#prepared.set(key, certificate);
      loads.push(running === undefined ? certificate.load() : Promise.resolve(running.served));
    }
    return await Promise.all(loads);
  }

  /** How the certificates in the folders are, without a change to anything; undefined for what is not there. */
  async peek(wanted: readonly AcmeOptions[]): Promise<(CertificateState | undefined)[]> {
    return await Promise.all(wanted.map((options) => this.#create(options).peek()));
  }

  /** What was prepared is kept renewed; what is not wanted any more ends. */
  commit(): void {
    const old = this.#managed;
    this.#managed = this.#prepared;
    this.#prepared = new Map();
    const kept = new Set(this.#managed.values());
    const known = new Set(old.values());
    const ends = [...known].filter((certificate) => !kept.has(certificate)).map((one) => one.stop());
    // An order that is given up holds its lock a moment longer.
    const ended = Promise.all(ends);
    for (const certificate of kept) {
      if (!known.has(certificate)) void ended.then(() => certificate.start());
    }
  }

  /** Ends what was prepared for a configuration that is not going to be served. */
  abandon(): void {
    const kept = new Set(this.#managed.values());
    for (const certificate of this.#prepared.values()) if (!kept.has(certificate)) void certificate.stop();
    this.#prepared = new Map();
  }

  states(): CertificateState[] {
    return Array.from(this.#managed.values(), (certificate) => certificate.state());
  }

  /** Renews one certificate at once, by any of its names; all of them when none is given. */
  async renew(domain: string | undefined): Promise<ReadonlyMap<string, RenewalOutcome>> {
    const asked = [...this.#managed.values()].filter((one) =>
      domain === undefined || one.domains.includes(domain)
    );
    const outcomes = await Promise.all(asked.map(async (one) => [one.name, await one.renew()] as const));
    return new Map(outcomes);
  }

  /** Takes over what other processes have put into the folders. */
  look(): void {
    for (const certificate of this.#managed.values()) certificate.look();
  }

  /** What HTTP-01 answers now, for threads that begin late. */
  get challenges(): ReadonlyMap<string, string> {
    return this.#http01.shown;
  }

  async stop(): Promise<void> {
    this.abandon();
    await Promise.all(Array.from(this.#managed.values(), (certificate) => certificate.stop()));
    this.#managed = new Map();
  }

  #create(options: AcmeOptions): ManagedCertificate {
    const { ports, sink, attempted } = this.#init;
    return new ManagedCertificate({
      options,
      ports,
      solver: this.#solver(options),
      turns: this.#turns,
      sink,
      attempted,
    });
  }

  #solver({ challengeType, dnsProvider }: AcmeOptions): Solver {
    if (challengeType === "http-01" || dnsProvider === undefined) return this.#http01;
    const { ports } = this.#init;
    const kind = findDnsProvider(dnsProvider.type);
    return new Dns01({
      provider: kind.create(dnsProvider.options, ports),
      options: dnsProvider.options,
      ports,
    });
  }
}
