import { AcmeError, type AcmeFailure, reasonText } from "./acme_error.ts";
import { Issuance } from "./issuance.ts";
import { asciiDomains } from "./names.ts";
import { type AcmeOptions, directoryOf } from "./options.ts";
import { type AcmePorts, fraction } from "./ports.ts";
import { backoffMs, renewalMs } from "./schedule.ts";
import type { Solver } from "./solver.ts";
import { isStandIn, makeStandIn } from "./stand_in.ts";
import { type AttemptNotes, CertificateStore, type StoredCertificate } from "./store.ts";
import type { Turns } from "./turns.ts";

/** Files are looked at this often for what another process has renewed; clocks may have jumped too. */
const LOOK_INTERVAL_MS = 3_600_000;
/** Pause after a certificate was issued, at most a third of its time. */
const SUCCESS_PAUSE_MS = 3_600_000;
/** Pause while another process orders. */
const LOCKED_PAUSE_MS = 60_000;
/** Not even an authority can make us wait longer. */
const PAUSE_MAX_MS = 7 * 86_400_000;

/** A certificate to be served for its names. */
export interface ServedCertificate {
  /** The first name. */
  readonly name: string;
  /** In ASCII, lower case. */
  readonly domains: readonly string[];
  /** PEM file with the chain and the key, replaced in one step. */
  readonly file: string;
  /** Self-signed, until the first real one is there. */
  readonly isStandIn: boolean;
}

/** Told that a certificate's file has a new one: to be used from the next handshake on. Must not throw. */
export interface CertificateSink {
  (certificate: ServedCertificate): void;
}

/** How a certificate is doing. */
export interface CertificateState {
  readonly name: string;
  readonly domains: readonly string[];
  readonly directory: string;
  readonly issuer: string;
  readonly isStandIn: boolean;
  readonly notAfterMs: number;
  /** When it is renewed, or tried again. */
  readonly nextAttemptMs: number;
  readonly isOrdering: boolean;
  readonly lastSuccessMs: number | undefined;
  readonly failuresInARow: number;
  readonly lastFailure: AttemptNotes["lastFailure"];
}

/** What came of asking for a renewal. */
export type RenewalOutcome =
  | { readonly type: "issued" }
  /** Another process has done it in the meantime. */
  | { readonly type: "adopted" }
  | { readonly type: "failed"; readonly reason: AcmeFailure; readonly message: string };

/** What a managed certificate needs. */
export interface ManagedCertificateInit {
  readonly options: AcmeOptions;
  readonly ports: AcmePorts;
  readonly solver: Solver;
  /** Orders at a time, over all certificates. */
  readonly turns: Turns;
  readonly sink: CertificateSink;
  readonly attempted: (name: string, outcome: RenewalOutcome) => void;
}

/** One certificate over its life: kept in a folder, renewed in time, tried again after failures. */
export class ManagedCertificate {
  readonly name: string;
  readonly domains: readonly string[];
  readonly #init: ManagedCertificateInit;
  readonly #store: CertificateStore;
  readonly #directory: string;
  readonly #abort = new AbortController();
  #stored: StoredCertificate | undefined;
  #dueMs = 0;
  #notes: AttemptNotes;
  #cancel: (() => void) | undefined;
  #attempt: Promise<RenewalOutcome> | undefined;

  constructor(init: ManagedCertificateInit) {
    this.#init = init;
    this.domains = asciiDomains(init.options.domains);
    this.name = this.domains[0]!;
    this.#directory = directoryOf(init.options);
    this.#store = new CertificateStore(init.ports.storage, init.options.storage);
    this.#notes = this.#freshNotes();
  }

  /**
   * Reads what is kept, or makes a stand-in. Broken files are reported, and replaced. Rejects when the folder
   * cannot be used.
   */
  async load(): Promise<ServedCertificate> {
    try {
      this.#stored = await this.#store.certificate(this.name);
    } catch (cause) {
      this.#reportBroken(cause);
    }
    await this.#readNotes();
    const nowMs = this.#init.ports.clock.wallMs();
    const isUsable = this.#stored !== undefined &&
      !(isStandIn(this.#stored) && this.#stored.facts.notAfterMs < nowMs);
    if (!isUsable) this.#stored = await this.#standIn();
    else if (!isStandIn(this.#stored!)) await this.#store.keepBundle(this.name, this.#stored!);
    this.#plan();
    return this.served;
  }

  /** What is in the folder, without a change to it; undefined when nothing that can be used is. */
  async peek(): Promise<CertificateState | undefined> {
    try {
      this.#stored = await this.#store.certificate(this.name);
      await this.#readNotes();
    } catch (cause) {
      this.#reportBroken(cause);
    }
    if (this.#stored === undefined) return undefined;
    this.#plan();
    return this.state();
  }

  /** What is in use; `load` comes first. */
  get served(): ServedCertificate {
    const { facts } = this.#stored!;
    return {
      name: this.name,
      domains: facts.domains,
      file: this.#store.bundleFile(this.name),
      isStandIn: isStandIn(this.#stored!),
    };
  }

  /** Begins to renew. */
  start(): void {
    this.#schedule();
  }

  /** Ends everything; resolves once an order under way has given up. */
  async stop(): Promise<void> {
    this.#abort.abort(new AcmeError("order", "the order was given up"));
    this.#cancel?.();
    await this.#attempt;
  }

  /** Orders at once, or takes part in the order under way. */
  renew(): Promise<RenewalOutcome> {
    return this.#attempt ??= this.#renew({ isAsked: true });
  }

  state(): CertificateState {
    const { failuresInARow, lastFailure, lastSuccessMs } = this.#notes;
    return {
      name: this.name,
      domains: this.domains,
      directory: this.#directory,
      issuer: this.#stored!.facts.issuer,
      isStandIn: isStandIn(this.#stored!),
      notAfterMs: this.#stored!.facts.notAfterMs,
      nextAttemptMs: this.#nextAttemptMs(),
      isOrdering: this.#attempt !== undefined,
      lastSuccessMs,
      failuresInARow,
      lastFailure,
    };
  }

  async #readNotes(): Promise<void> {
    const notes = await this.#store.attempts(this.name);
    if (notes?.subject !== this.#notes.subject) return;
    // What is further ahead was noted by a clock that was wrong.
    const latestMs = this.#init.ports.clock.wallMs() + PAUSE_MAX_MS;
    this.#notes = { ...notes, notBeforeMs: notes.notBeforeMs > latestMs ? 0 : notes.notBeforeMs };
  }

  #nextAttemptMs(): number {
    return Math.max(this.#dueMs, this.#notes.notBeforeMs);
  }

  /** Works out when the certificate is due; at once when it is not what is wanted. */
  #plan(): void {
    const stored = this.#stored;
    const { renewBeforeDays } = this.#init.options;
    const chance = fraction(this.#init.ports.random);
    this.#dueMs = stored === undefined || isStandIn(stored) || !this.#isWanted(stored)
      ? 0
      : renewalMs(stored.facts, { beforeDays: renewBeforeDays, chance });
  }

  #isWanted({ facts, directory, key }: StoredCertificate): boolean {
    // An authority may add names; one that has too many is as good until it is renewed.
    const isSame = this.domains.every((domain) => facts.domains.includes(domain));
    const isFrom = directory === undefined || directory === this.#directory;
    return isSame && isFrom && key.type === this.#init.options.keyType;
  }

  #schedule(): void {
    if (this.#abort.signal.aborted) return;
    const { clock, timers } = this.#init.ports;
    const leftMs = Math.max(this.#nextAttemptMs() - clock.wallMs(), 0);
    this.#cancel?.();
    this.#cancel = timers.after(Math.min(leftMs, LOOK_INTERVAL_MS), () => void this.#look());
  }

  /** Looks into the folder before it is time to: for who heard that its files have changed. */
  look(): void {
    if (this.#cancel !== undefined) void this.#look();
  }

  /** Takes what another process has renewed; orders when it is time. */
  async #look(): Promise<void> {
    if (this.#attempt !== undefined) return;
    await this.#adopt();
    if (this.#abort.signal.aborted || this.#attempt !== undefined) return;
    if (this.#init.ports.clock.wallMs() >= this.#nextAttemptMs()) {
      this.#attempt = this.#renew({ isAsked: false });
    } else this.#schedule();
  }

  /** Whether something newer was found in the folder. */
  async #adopt(): Promise<boolean> {
    let found: StoredCertificate | undefined;
    try {
      found = await this.#store.certificate(this.name);
    } catch (cause) {
      this.#reportBroken(cause);
      return false;
    }
    if (found === undefined || isStandIn(found)) return false;
    const ours = this.#stored!;
    const isLater = found.facts.notAfterMs > ours.facts.notAfterMs || isStandIn(ours);
    if (found.facts.serial === ours.facts.serial || !isLater) return false;
    this.#use(found);
    const hadFailed = this.#notes.failuresInARow > 0;
    this.#notes = this.#freshNotes();
    if (hadFailed) await this.#keepNotes();
    this.#log("info", "A certificate that another process has renewed is in use", {});
    return true;
  }

  #use(stored: StoredCertificate): void {
    this.#stored = stored;
    this.#plan();
    this.#init.sink(this.served);
  }

  async #renew({ isAsked }: { readonly isAsked: boolean }): Promise<RenewalOutcome> {
    let outcome: RenewalOutcome;
    try {
      outcome = await this.#init.turns.run(() => this.#order({ isAsked }));
    } catch (cause) {
      const reason = cause instanceof AcmeError ? cause.reason : "protocol";
      outcome = { type: "failed", reason, message: reasonText(cause) };
      await this.#failed(cause, reason);
    }
    this.#attempt = undefined;
    if (!this.#abort.signal.aborted) this.#init.attempted(this.name, outcome);
    this.#schedule();
    return outcome;
  }

  async #order({ isAsked }: { readonly isAsked: boolean }): Promise<RenewalOutcome> {
    const { options, ports, solver } = this.#init;
    const issuance = new Issuance({
      options,
      domains: this.domains,
      directory: this.#directory,
      store: this.#store,
      ports,
      solver,
      signal: this.#abort.signal,
    });
    return await issuance.exclusively(async () => {
      // Whoever had the lock before may have renewed it.
      if (!isAsked && await this.#adopt() && ports.clock.wallMs() < this.#dueMs) return { type: "adopted" };
      this.#log("info", "A certificate is ordered", { domains: this.domains, directory: this.#directory });
      this.#use(await issuance.issue());
      await this.#succeeded();
      return { type: "issued" };
    });
  }

  async #succeeded(): Promise<void> {
    const { facts } = this.#stored!;
    const nowMs = this.#init.ports.clock.wallMs();
    // One that is due at once, by a clock that is wrong or an authority that is odd, must not be ordered in a loop.
    const restMs = Math.min(SUCCESS_PAUSE_MS, (facts.notAfterMs - facts.notBeforeMs) / 3);
    this.#notes = { ...this.#freshNotes(), lastSuccessMs: nowMs, notBeforeMs: nowMs + restMs };
    await this.#keepNotes();
    this.#log("info", "A certificate was issued", {
      issuer: facts.issuer,
      expires: new Date(facts.notAfterMs).toISOString(),
      renewal: new Date(this.#dueMs).toISOString(),
    });
  }

  async #failed(cause: unknown, reason: AcmeFailure): Promise<void> {
    if (this.#abort.signal.aborted) return;
    const { clock, random } = this.#init.ports;
    const nowMs = clock.wallMs();
    if (reason === "locked") {
      const notBeforeMs = nowMs + LOCKED_PAUSE_MS * (1 + 0.1 * fraction(random));
      this.#notes = { ...this.#notes, notBeforeMs };
      this.#log("info", "Another process is ordering this certificate", {});
      return;
    }
    const failuresInARow = this.#notes.failuresInARow + 1;
    const asked = cause instanceof AcmeError ? cause.retryAfterMs ?? 0 : 0;
    const pauseMs = Math.min(Math.max(backoffMs(failuresInARow, fraction(random)), asked), PAUSE_MAX_MS);
    this.#notes = {
      ...this.#notes,
      failuresInARow,
      notBeforeMs: nowMs + pauseMs,
      lastFailure: { atMs: nowMs, reason, message: reasonText(cause) },
    };
    await this.#keepNotes();
    this.#log("error", "A certificate could not be had", {
      reason,
      error: reasonText(cause),
      failuresInARow,
      retryInSecs: Math.round(pauseMs / 1000),
    });
  }

  async #keepNotes(): Promise<void> {
    try {
      await this.#store.keepAttempts(this.name, this.#notes);
    } catch (cause) {
      this.#log("warn", "How an order ended could not be noted", { error: reasonText(cause) });
    }
  }

  #freshNotes(): AttemptNotes {
    const { options } = this.#init;
    const subject = [this.#directory, options.challengeType, ...this.domains].join(" ");
    const none = { failuresInARow: 0, lastFailure: undefined, lastSuccessMs: undefined, notBeforeMs: 0 };
    return { subject, ...none };
  }

  /** Something that can be served at once, kept where the real one will be. */
  async #standIn(): Promise<StoredCertificate> {
    const standIn = await makeStandIn(this.domains, this.#init.ports);
    const kept = await this.#store.keepStandIn(this.name, standIn);
    if (kept === standIn) {
      this.#log("warn", "A self-signed certificate stands in until the first real one is there", {});
    }
    return kept;
  }

  #reportBroken(cause: unknown): void {
    const error = reasonText(cause);
    this.#log("error", "A stored certificate cannot be used and will be replaced", { error });
  }

  #log(level: "info" | "warn" | "error", message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#init.ports.log(level, message, { certificate: this.name, ...fields });
  }
}
