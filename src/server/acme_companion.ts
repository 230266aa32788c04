import type { CertificateState, RenewalOutcome } from "../acme/managed_certificate.ts";
import { AcmeManager } from "../acme/manager.ts";
import type { AcmeOptions } from "../acme/options.ts";
import type { AcmePorts } from "../acme/ports.ts";
import { reasonText } from "../acme/acme_error.ts";
import { wantedCertificates, withCertificateFiles } from "../config/certificates.ts";
import type { Config } from "../config/document.ts";
import type { Companion } from "./supervisor.ts";

/** What the companion needs. */
export interface AcmeCompanionInit {
  readonly ports: AcmePorts;
  readonly metrics: { countCertificate(name: string, outcome: RenewalOutcome): void };
  /** Lets every thread give these proofs to authorities. */
  show(answers: ReadonlyMap<string, string>): Promise<void>;
  /** Told that a certificate's file has a new one. */
  replaced(): void;
}

/**
 * Gets certificates once per process. Their files take the places of configured ones before a configuration
 * goes to the threads, which read them again when there are new ones.
 */
export class AcmeCompanion implements Companion {
  readonly #manager: AcmeManager;

  constructor(init: AcmeCompanionInit) {
    const { ports, metrics } = init;
    this.#manager = new AcmeManager({
      ports,
      board: { show: (answers) => init.show(answers) },
      sink: () => init.replaced(),
      attempted: (name, outcome) => metrics.countCertificate(name, outcome),
    });
  }

  /** The configuration with the files of its certificates, stand-ins among them. Rejects when they cannot be kept. */
  async certify(config: Config): Promise<Config> {
    const wanted = wantedCertificates(config);
    const files = new Map<AcmeOptions, string>();
    try {
      const served = await this.#manager.prepare(wanted);
      for (const [index, options] of wanted.entries()) files.set(options, served[index]!.file);
    } catch (cause) {
      this.#manager.abandon();
      throw new Error(`Cannot keep certificates: ${reasonText(cause)}`, { cause });
    }
    return wanted.length === 0 ? config : withCertificateFiles(config, (options) => files.get(options)!);
  }

  prepare(): Promise<readonly string[]> {
    return Promise.resolve([]);
  }

  commit(): void {
    this.#manager.commit();
  }

  abandon(): void {
    this.#manager.abandon();
  }

  async close(): Promise<void> {
    await this.#manager.stop();
  }

  /** Takes over what other processes that share a folder have renewed. */
  look(): void {
    this.#manager.look();
  }

  states(): CertificateState[] {
    return this.#manager.states();
  }

  /** Proofs that are given now. */
  get challenges(): ReadonlyMap<string, string> {
    return this.#manager.challenges;
  }

  /** Renews the certificate that has this name, or all of them. */
  renew(domain: string | undefined): Promise<ReadonlyMap<string, RenewalOutcome>> {
    return this.#manager.renew(domain);
  }
}
