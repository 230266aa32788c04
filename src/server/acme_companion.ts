import type { CertificateState, RenewalOutcome } from "../acme/managed_certificate.ts";
import { AcmeManager } from "../acme/manager.ts";
import type { AcmeOptions } from "../acme/options.ts";
import type { AcmePorts } from "../acme/ports.ts";
import { reasonText } from "../acme/acme_error.ts";
import { wantedCertificates, withCertificateFiles } from "../config/certificates.ts";
import type { Config } from "../config/document.ts";
import type { Companion } from "./supervisor.ts";

/** Certificates that come together are taken in use together. */
const USE_DELAY_MS = 100;
/** Pause after the threads could not take one. */
const USE_RETRY_MS = 10_000;

/** What the companion needs. */
export interface AcmeCompanionInit {
  readonly ports: AcmePorts;
  readonly metrics: { countCertificate(name: string, outcome: RenewalOutcome): void };
  /** Lets every thread give these proofs to authorities. */
  show(answers: ReadonlyMap<string, string>): Promise<void>;
  /** Serves the certificate files as they are now; resolves with what is wrong. */
  reread(): Promise<readonly string[]>;
}

/**
 * Gets certificates once per process. Their files take the places of configured ones before a configuration
 * goes to the threads; a new one makes the threads read them again.
 */
export class AcmeCompanion implements Companion {
  readonly #init: AcmeCompanionInit;
  readonly #manager: AcmeManager;
  #problems: readonly string[] = [];
  #cancel: (() => void) | null = null;
  #isClosed = false;

  constructor(init: AcmeCompanionInit) {
    this.#init = init;
    const { ports, metrics } = init;
    this.#manager = new AcmeManager({
      ports,
      board: { show: (answers) => init.show(answers) },
      sink: () => this.#schedule(USE_DELAY_MS),
      attempted: (name, outcome) => metrics.countCertificate(name, outcome),
    });
  }

  /** The configuration with the files of its certificates, stand-ins among them. */
  async certify(config: Config): Promise<Config> {
    const wanted = wantedCertificates(config);
    this.#problems = [];
    const files = new Map<AcmeOptions, string>();
    try {
      const served = await this.#manager.prepare(wanted);
      for (const [index, options] of wanted.entries()) files.set(options, served[index]!.file);
    } catch (cause) {
      this.#manager.abandon();
      this.#problems = [`Cannot keep certificates: ${reasonText(cause)}`];
      return config;
    }
    return wanted.length === 0 ? config : withCertificateFiles(config, (options) => files.get(options)!);
  }

  prepare(): Promise<readonly string[]> {
    return Promise.resolve(this.#problems);
  }

  commit(): void {
    this.#manager.commit();
  }

  abandon(): void {
    this.#manager.abandon();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancel?.();
    await this.#manager.stop();
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

  #schedule(ms: number): void {
    if (this.#isClosed || this.#cancel !== null) return;
    this.#cancel = this.#init.ports.timers.after(ms, () => {
      this.#cancel = null;
      void this.#use();
    });
  }

  async #use(): Promise<void> {
    let problems: readonly string[];
    try {
      problems = await this.#init.reread();
    } catch (cause) {
      problems = [reasonText(cause)];
    }
    if (problems.length === 0 || this.#isClosed) return;
    this.#init.ports.log("error", "A new certificate could not be taken in use; the old one stays", {
      reasons: problems.join("\n"),
    });
    this.#schedule(USE_RETRY_MS);
  }
}
