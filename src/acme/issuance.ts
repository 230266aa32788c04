import { enterAccount, isGone } from "./account.ts";
import { AcmeError, reasonText } from "./acme_error.ts";
import { fromBase64Url, hex } from "./bytes.ts";
import { AcmeClient } from "./client.ts";
import type { AcmeOptions } from "./options.ts";
import { orderCertificate } from "./order.ts";
import type { AcmePorts } from "./ports.ts";
import type { Solver } from "./solver.ts";
import type { CertificateStore, StoredAccount, StoredCertificate } from "./store.ts";
import { SigningKey } from "./x509/key.ts";

/** The lock holds this long without being kept, so that the folder is soon free after a crash. */
const LEASE_MS = 60_000;
const KEEP_INTERVAL_MS = 15_000;
/** An order that is not done by then, the wait for DNS apart, never will be. */
const ISSUE_TIMEOUT_MS = 30 * 60_000;

/** What one issuance needs. */
export interface IssuanceInit {
  readonly options: AcmeOptions;
  /** In ASCII, the first one names the folder. */
  readonly domains: readonly string[];
  readonly directory: string;
  readonly store: CertificateStore;
  readonly ports: AcmePorts;
  readonly solver: Solver;
  readonly signal: AbortSignal;
}

/** One attempt at one certificate, from the lock to the files. */
export class Issuance {
  readonly #init: IssuanceInit;
  readonly #owner: string;
  readonly #abort = new AbortController();

  constructor(init: IssuanceInit) {
    this.#init = init;
    const words = Uint32Array.from({ length: 4 }, () => init.ports.random.u32());
    this.#owner = hex(new Uint8Array(words.buffer));
  }

  /** Runs a task while no other process orders the same. Rejects with `locked` when one does. */
  async exclusively<T>(task: () => Promise<T>): Promise<T> {
    const { signal, store, domains, ports, options } = this.#init;
    if (signal.aborted) throw signal.reason;
    if (!await this.#hold()) throw new AcmeError("locked", "another process is ordering it");
    const stop = () => this.#abort.abort(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
    const keeping = ports.timers.every(KEEP_INTERVAL_MS, () => void this.#keep());
    const { initialDelaySecs, timeoutSecs } = options.dnsProvider?.options.propagation ??
      { initialDelaySecs: 0, timeoutSecs: 0 };
    const timeoutMs = ISSUE_TIMEOUT_MS + (initialDelaySecs + timeoutSecs) * 1000;
    const cancel = ports.timers.after(timeoutMs, () => {
      this.#abort.abort(new AcmeError("order", `it was not done within ${timeoutMs / 60_000} minutes`));
    });
    try {
      return await task();
    } finally {
      keeping();
      cancel();
      signal.removeEventListener("abort", stop);
      await store.unlock(domains[0]!, this.#owner).catch((cause) => {
        ports.log("warn", "The lock of a certificate could not be given back", { error: reasonText(cause) });
      });
    }
  }

  /** Orders the certificate and keeps it. */
  async issue(): Promise<StoredCertificate> {
    const { options, domains, directory, store, ports, solver } = this.#init;
    const account = await this.#account();
    const { signal } = this.#abort;
    const client = new AcmeClient({
      directoryUrl: directory,
      caFile: options.caFile,
      http: ports.http,
      clock: ports.clock,
      key: account.key,
      signal,
    });
    await this.#enter(client, account);
    const key = await SigningKey.generate(options.keyType);
    const order = { client, domains, key, solver, clock: ports.clock, timers: ports.timers, signal };
    let issued;
    try {
      issued = await orderCertificate(order);
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      if (!isGone(cause)) throw cause;
      // The authority has forgotten the account that the folder knows.
      await this.#enter(client, { ...account, url: undefined });
      issued = await orderCertificate(order);
    }
    const { chain, facts } = issued;
    const stored = { chain, key, facts, directory };
    await store.keepCertificate(domains[0]!, stored);
    return stored;
  }

  async #enter(client: AcmeClient, account: StoredAccount): Promise<void> {
    const { options: { email, eab }, directory, store, ports } = this.#init;
    const url = await enterAccount(client, {
      email,
      binding: eab === undefined ? undefined : { kid: eab.kid, hmacKey: fromBase64Url(eab.hmacKey)! },
      known: account.url === undefined ? undefined : { url: account.url, email: account.email },
      log: ports.log,
    });
    if (url === account.url && email === account.email) return;
    await store.keepAccount(directory, { key: account.key, url, email });
  }

  /** The account's key is kept before it is used, so that a registered account is never lost. */
  async #account(): Promise<StoredAccount> {
    const { directory, store, ports, options } = this.#init;
    try {
      const known = await store.account(directory);
      if (known !== undefined) return known;
    } catch (cause) {
      ports.log("error", "The stored ACME account cannot be used and is replaced", {
        error: reasonText(cause),
      });
      await store.keepAccount(directory, await this.#newAccount());
    }
    await store.keepAccount(directory, await this.#newAccount(), { onlyNew: true });
    const kept = await store.account(directory);
    if (kept === undefined) {
      throw new AcmeError("storage", `${options.storage} does not keep what is written`);
    }
    return kept;
  }

  async #newAccount(): Promise<StoredAccount> {
    const { email } = this.#init.options;
    return { key: await SigningKey.generate("ecdsa-p256"), url: undefined, email };
  }

  async #hold(): Promise<boolean> {
    const { store, domains, ports: { clock } } = this.#init;
    const nowMs = clock.wallMs();
    return await store.lock(domains[0]!, { owner: this.#owner, untilMs: nowMs + LEASE_MS, nowMs });
  }

  async #keep(): Promise<void> {
    try {
      if (await this.#hold()) return;
      this.#abort.abort(new AcmeError("locked", "another process has taken the order over"));
    } catch (cause) {
      this.#abort.abort(new AcmeError("storage", reasonText(cause), { cause }));
    }
  }
}
