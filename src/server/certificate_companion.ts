import { createHash, X509Certificate } from "node:crypto";
import type { Config } from "../config/document.ts";
import { resolveConfig } from "../config/resolve.ts";
import type { Clock, Log, Timers } from "../core/ports.ts";
import type { Companion, ReloadResult } from "./supervisor.ts";
import type { NextConfig } from "./thread.ts";
import { FileWatch } from "./watch.ts";

const DAY_MS = 86_400_000;
/** Certificates that end sooner are warned of, once a day. */
const WARN_BEFORE_MS = 14 * DAY_MS;
/** The same for those that do not live long, as a share of their time: they are renewed before that. */
const WARN_BEFORE_SHARE = 1 / 4;
/** Files are compared this often too: not every file system tells of changes. */
const POLL_MS = 60_000;
/** Files that could not be put in use are tried again after as many polls: it may not have been their fault. */
const RETRY_POLLS = 10;

/** What the companion needs. */
export interface CertificatesInit {
  readonly log: Log;
  readonly clock: Pick<Clock, "wallMs">;
  readonly timers: Timers;
  /** Reads the certificates anew and serves them, the configuration being the same. */
  readonly refresh: () => Promise<ReloadResult>;
  /** Told of every change of the files, and whether the new ones are served. */
  readonly changed: (outcome: ReloadResult["outcome"]) => void;
}

/** A file of a listener's TLS. */
interface TlsFile {
  readonly listener: string;
  readonly path: string;
  readonly isCertificate: boolean;
}

/**
 * Keeps listeners on the certificates that lie on the disk: whoever replaces the files, the next handshake goes by
 * the new ones, in all threads or in none. New files that cannot be used leave the old certificates serving.
 */
export class CertificateCompanion implements Companion {
  readonly #init: CertificatesInit;
  readonly #stop: readonly (() => void)[];
  #files: readonly TlsFile[] = [];
  #preparedDigest = "";
  /** Of the files that were last tried, served or not. */
  #triedDigest = "";
  /** Polls until they are tried again; 0 when they are served. */
  #retryIn = 0;
  #watch: FileWatch | undefined;
  #checking: Promise<void> | undefined;

  constructor(init: CertificatesInit) {
    this.#init = init;
    const { timers } = init;
    this.#stop = [
      timers.every(POLL_MS, () => this.#poll()),
      timers.every(DAY_MS, () => void this.#warn()),
    ];
  }

  async prepare({ config }: NextConfig): Promise<readonly string[]> {
    // Before the threads have read them, so that a change in between is seen as one.
    this.#preparedDigest = await digest(tlsFiles(config));
    return [];
  }

  commit({ config }: NextConfig): void {
    this.#triedDigest = this.#preparedDigest;
    this.#retryIn = 0;
    this.#files = tlsFiles(config);
    this.#watch?.close();
    this.#watch = undefined;
    if (this.#files.length === 0) return;
    this.#watch = new FileWatch({
      files: this.#files.map(({ path }) => absolute(path)),
      folders: [],
      log: this.#init.log,
      changed: () => void this.check(),
    });
    void this.check();
    void this.#warn();
  }

  abandon(): void {
    this.#preparedDigest = "";
  }

  close(): Promise<void> {
    for (const stop of this.#stop) stop();
    this.#watch?.close();
    this.#files = [];
    return Promise.resolve();
  }

  /** Compares the files with those that were last tried, and has them served when they differ. One at a time. */
  check(): Promise<void> {
    return this.#checking ??= this.#checkNow().finally(() => this.#checking = undefined);
  }

  #poll(): void {
    if (this.#retryIn > 0 && --this.#retryIn === 0) this.#triedDigest = "";
    void this.check();
  }

  async #checkNow(): Promise<void> {
    // They may change again while they are being served.
    while (this.#files.length > 0) {
      const now = await digest(this.#files);
      if (now === this.#triedDigest || this.#files.length === 0) return;
      this.#triedDigest = now;
      const { outcome, problems } = await this.#init.refresh();
      if (outcome === "failed") this.#retryIn = RETRY_POLLS;
      this.#init.changed(outcome);
      if (outcome === "applied") this.#init.log("info", "Certificates replaced");
      else this.#init.log("error", "New certificates cannot be used; the old ones stay", { problems });
    }
  }

  async #warn(): Promise<void> {
    const now = this.#init.clock.wallMs();
    for (const { listener, path, isCertificate } of this.#files) {
      if (!isCertificate) continue;
      let notAfterMs: number;
      let lifetimeMs: number;
      try {
        const { validFromDate, validToDate } = new X509Certificate(await Deno.readTextFile(path));
        notAfterMs = validToDate.getTime();
        lifetimeMs = notAfterMs - validFromDate.getTime();
      } catch {
        // What cannot be read was said when it was to be served.
        continue;
      }
      if (notAfterMs - now > Math.min(WARN_BEFORE_MS, lifetimeMs * WARN_BEFORE_SHARE)) continue;
      const daysLeft = Math.floor((notAfterMs - now) / DAY_MS);
      const fields = { listener, file: path, notAfter: new Date(notAfterMs).toISOString(), daysLeft };
      if (notAfterMs <= now) this.#init.log("error", "A certificate has expired", fields);
      else this.#init.log("warn", "A certificate ends soon", fields);
    }
  }
}

/** Every file that the TLS of listeners is made from. */
function tlsFiles(config: Config): TlsFile[] {
  return resolveConfig(config).listeners.flatMap(({ id: listener, tls }) => {
    if (tls === undefined) return [];
    const pairs = [tls, ...tls.sni].flatMap((pair) => [pair, pair.alternate]);
    const certificates = pairs.flatMap((pair) => pair?.certFile ?? []);
    const others = [...pairs.flatMap((pair) => pair?.keyFile ?? []), tls.caFile, tls.crlFile];
    return [
      ...certificates.map((path) => ({ listener, path, isCertificate: true })),
      ...others.flatMap((path) => path === undefined ? [] : [{ listener, path, isCertificate: false }]),
    ];
  });
}

async function digest(files: readonly TlsFile[]): Promise<string> {
  const hash = createHash("sha256");
  for (const { path } of files) {
    hash.update(path).update("\0");
    try {
      hash.update(await Deno.readFile(path));
    } catch {
      hash.update("cannot be read");
    }
    hash.update("\0");
  }
  return hash.digest("hex");
}

function absolute(path: string): string {
  return path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
}
