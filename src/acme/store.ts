import { AcmeError, type AcmeFailure, reasonText } from "./acme_error.ts";
import { sameBytes } from "./bytes.ts";
import { isObject, type JsonObject, maybeText, objectAt } from "./json.ts";
import { folderOf } from "./names.ts";
import type { StoragePort } from "./ports.ts";
import { type CertificateFacts, readChain } from "./x509/certificate.ts";
import { SigningKey } from "./x509/key.ts";
import { pemBlocks, pemText } from "./x509/pem.ts";

/** Chains and keys are some kilobytes, accounts less. */
const FILE_BYTES_MAX = 1_048_576;
/** Directories whose accounts are kept; others are for people to clear away. */
const ACCOUNTS_MAX = 50;

/** An account as it is kept. */
export interface StoredAccount {
  readonly key: SigningKey;
  /** Undefined before it is registered. */
  readonly url: string | undefined;
  readonly email: string;
}

/** A certificate as it is kept. */
export interface StoredCertificate {
  /** PEM, the certificate itself first. */
  readonly chain: string;
  readonly key: SigningKey;
  readonly facts: CertificateFacts;
  /** The directory it is from; undefined when that is not known. */
  readonly directory: string | undefined;
}

/** How the last attempts ended. */
export interface AttemptNotes {
  /** What was ordered, to tell whether the notes are about the same. */
  readonly subject: string;
  readonly failuresInARow: number;
  readonly lastFailure:
    | { readonly atMs: number; readonly reason: string; readonly message: string }
    | undefined;
  readonly lastSuccessMs: number | undefined;
  /** No attempt before this time, unless somebody asks for one. */
  readonly notBeforeMs: number;
}

/**
 * Accounts and certificates in a folder:
 *
 *     account.json                    accounts by directory, with their keys
 *     domains/<name>/bundle.pem       the chain and its key: what counts, replaced in one step
 *     domains/<name>/cert.pem         the chain alone, for other programs
 *     domains/<name>/key.pem          the key alone, likewise
 *     domains/<name>/meta.json        where the certificate is from, for people
 *     domains/<name>/attempts.json    how the last attempts ended
 *     domains/<name>/lock.json        who is ordering, and until when that holds
 */
export class CertificateStore {
  readonly #storage: StoragePort;
  readonly #root: string;

  constructor(storage: StoragePort, root: string) {
    this.#storage = storage;
    this.#root = root;
  }

  /** The account of a directory. Undefined when there is none; rejects when its file is broken. */
  async account(directory: string): Promise<StoredAccount | undefined> {
    const text = await this.#read("account.json");
    if (text === undefined) return undefined;
    const entry = objectAt(objectAt(parse(text, "account.json"), "accounts"), directory);
    const pem = maybeText(entry, "key");
    if (pem === undefined) return undefined;
    try {
      const key = await SigningKey.fromPem(pem);
      return { key, url: maybeText(entry, "url"), email: maybeText(entry, "email") ?? "" };
    } catch (cause) {
      throw new AcmeError("storage", `the key in ${this.#root}/account.json is broken`, { cause });
    }
  }

  /** Keeps an account beside those of other directories. With `onlyNew`, one that is there already stays. */
  async keepAccount(
    directory: string,
    account: StoredAccount,
    { onlyNew = false }: { readonly onlyNew?: boolean } = {},
  ): Promise<void> {
    const entry = { url: account.url, email: account.email, key: await account.key.pem() };
    await this.#update("account.json", (text) => {
      const known = accountsIn(text);
      if (onlyNew && isObject(known[directory]) && maybeText(known[directory], "key") !== undefined) {
        return undefined;
      }
      const others = Object.entries(known).filter(([url]) => url !== directory).slice(-(ACCOUNTS_MAX - 1));
      return pretty({ accounts: { ...Object.fromEntries(others), [directory]: entry } });
    });
  }

  /** The file with the chain and the key of a name. */
  bundleFile(domain: string): string {
    return `${this.#root}/domains/${folderOf(domain)}/bundle.pem`;
  }

  /** The certificate that is kept under a name. Undefined when there is none; rejects when it is broken. */
  async certificate(domain: string): Promise<StoredCertificate | undefined> {
    const folder = `domains/${folderOf(domain)}`;
    const [bundle, meta] = await Promise.all([
      this.#read(`${folder}/bundle.pem`),
      this.#read(`${folder}/meta.json`),
    ]);
    const text = bundle ?? await this.#separateFiles(folder);
    if (text === undefined) return undefined;
    try {
      const key = await SigningKey.fromPem(text);
      const facts = readChain(text);
      if (!sameBytes(facts.publicInfo, await key.publicInfo())) throw new Error("key and certificate differ");
      const directory = meta === undefined ? undefined : maybeText(parseLoosely(meta), "directory");
      const chain = pemBlocks(text).filter(({ label }) => label === "CERTIFICATE");
      return {
        chain: chain.map(({ label, bytes }) => pemText(label, bytes)).join(""),
        key,
        facts,
        directory,
      };
    } catch (cause) {
      const why = `${this.#root}/${folder} is broken: ${reasonText(cause)}`;
      throw new AcmeError("storage", why, { cause });
    }
  }

  /** What the reference proxy and other programs have left there. */
  async #separateFiles(folder: string): Promise<string | undefined> {
    const [chain, key] = await Promise.all([
      this.#read(`${folder}/cert.pem`),
      this.#read(`${folder}/key.pem`),
    ]);
    return chain === undefined || key === undefined ? undefined : `${chain}\n${key}`;
  }

  async keepCertificate(domain: string, stored: StoredCertificate): Promise<void> {
    const { chain, key, facts, directory } = stored;
    const folder = `domains/${folderOf(domain)}`;
    const keyPem = await key.pem();
    const meta = {
      domains: facts.domains,
      issuer: facts.issuer,
      issued: new Date(facts.notBeforeMs).toISOString(),
      expires: new Date(facts.notAfterMs).toISOString(),
      directory,
    };
    await this.#write(`${folder}/bundle.pem`, `${chain}${keyPem}`);
    await this.#write(`${folder}/meta.json`, pretty(meta));
    await this.#write(`${folder}/cert.pem`, chain);
    await this.#write(`${folder}/key.pem`, keyPem);
  }

  /** Keeps a certificate that was found in separate files as one, unless there is one. */
  async keepBundle(domain: string, { chain, key }: StoredCertificate): Promise<void> {
    const keyPem = await key.pem();
    await this.#update(`domains/${folderOf(domain)}/bundle.pem`, (text) => {
      return text === undefined ? `${chain}${keyPem}` : undefined;
    });
  }

  /**
   * Keeps a stand-in, but never over what another process has put there since: that is what it resolves with.
   * Whatever is there and cannot be used is replaced.
   */
  async keepStandIn(domain: string, standIn: StoredCertificate): Promise<StoredCertificate> {
    const path = `domains/${folderOf(domain)}/bundle.pem`;
    const before = await this.#read(path);
    const keyPem = await standIn.key.pem();
    let isOurs = false;
    await this.#update(path, (text) => {
      isOurs = text === before;
      return isOurs ? `${standIn.chain}${keyPem}` : undefined;
    });
    return isOurs ? standIn : await this.certificate(domain) ?? standIn;
  }

  /** How the last attempts for a name ended; undefined when nothing (readable) is noted. */
  async attempts(domain: string): Promise<AttemptNotes | undefined> {
    const text = await this.#read(`domains/${folderOf(domain)}/attempts.json`);
    return text === undefined ? undefined : notesIn(parseLoosely(text));
  }

  async keepAttempts(domain: string, notes: AttemptNotes): Promise<void> {
    await this.#write(`domains/${folderOf(domain)}/attempts.json`, pretty(notes));
  }

  /**
   * Takes, or keeps, the right to order for a name until `untilMs`: false when somebody else has it. Who dies
   * with it loses it by that time.
   */
  async lock(
    domain: string,
    { owner, untilMs, nowMs }: { readonly owner: string; readonly untilMs: number; readonly nowMs: number },
  ): Promise<boolean> {
    let isOurs = false;
    await this.#update(`domains/${folderOf(domain)}/lock.json`, (text) => {
      const held = parseLoosely(text ?? "");
      const until = held["untilMs"];
      // A time too far ahead is from a clock that was wrong.
      const isHeld = typeof until === "number" && until > nowMs && until - nowMs <= 2 * (untilMs - nowMs);
      isOurs = !isHeld || held["owner"] === owner;
      return isOurs ? pretty({ owner, untilMs }) : undefined;
    });
    return isOurs;
  }

  /** Gives the right back, if it is still ours. */
  async unlock(domain: string, owner: string): Promise<void> {
    await this.#update(`domains/${folderOf(domain)}/lock.json`, (text) => {
      return parseLoosely(text ?? "")["owner"] === owner ? pretty({ owner: "", untilMs: 0 }) : undefined;
    });
  }

  async #read(path: string): Promise<string | undefined> {
    return await this.#guard(path, (full) => this.#storage.read(full, FILE_BYTES_MAX));
  }

  async #write(path: string, text: string): Promise<void> {
    await this.#guard(path, (full) => this.#storage.write(full, text));
  }

  async #update(path: string, change: (text: string | undefined) => string | undefined): Promise<void> {
    await this.#guard(path, (full) => this.#storage.update(full, change));
  }

  async #guard<T>(path: string, act: (full: string) => Promise<T>): Promise<T> {
    try {
      return await act(`${this.#root}/${path}`);
    } catch (cause) {
      throw new AcmeError("storage", reasonText(cause), { cause });
    }
  }
}

function pretty(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function parse(text: string, what: string): JsonObject {
  const value = parseLoosely(text);
  if (Object.keys(value).length === 0) throw new AcmeError("storage", `${what} is broken`);
  return value;
}

/** A broken file is as good as none where nothing is lost with it. */
function parseLoosely(text: string): JsonObject {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

function accountsIn(text: string | undefined): JsonObject {
  return text === undefined ? {} : objectAt(parseLoosely(text), "accounts");
}

function notesIn(json: JsonObject): AttemptNotes | undefined {
  const { failuresInARow, lastSuccessMs, notBeforeMs } = json;
  const subject = maybeText(json, "subject");
  if (subject === undefined || typeof failuresInARow !== "number" || typeof notBeforeMs !== "number") {
    return undefined;
  }
  const failure = objectAt(json, "lastFailure");
  const atMs = failure["atMs"];
  return {
    subject,
    failuresInARow,
    notBeforeMs,
    lastSuccessMs: typeof lastSuccessMs === "number" ? lastSuccessMs : undefined,
    lastFailure: typeof atMs !== "number" ? undefined : {
      atMs,
      reason: (maybeText(failure, "reason") ?? "storage") as AcmeFailure,
      message: maybeText(failure, "message") ?? "",
    },
  };
}
