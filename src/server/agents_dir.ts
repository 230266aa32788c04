import type { Log } from "../core/ports.ts";
import { FolderEvents } from "./agents_dir_events.ts";
import { lookAt, OPTIONS_BYTES_MAX } from "./agents_dir_look.ts";
import type { FileProblem, Look, SeenAgent, SeenFile } from "./agents_dir_look.ts";

/** How long a file must stay as it is before it is taken: writing a large one takes many steps. */
export const SETTLE_MS = 100;

/** Events come in swarms; one look serves those of this time. */
const SWARM_MS = 20;

/**
 * How often the folder's own times are compared without any event: Deno tells nothing of a new link that leads
 * out of the folder.
 */
const PEEK_MS = 400;

/** How often everything is looked at without any event: some file systems tell of nothing. */
const POLL_MS = 5_000;

/** How long `refresh` waits for files that are being written. */
const REFRESH_MS = 1_000;

/** New watches made in one look; a folder that changes faster is looked at again later. */
const FOLLOW_MAX = 8;

/** An agent that lies in the folder. */
export interface DroppedAgent {
  /** Name of the file without its ending: the agent's id. */
  readonly id: string;
  /** Absolute path of the component. */
  readonly wasm: string;
  /** The text of `<name>.kdl`: what would stand inside `agent "name" { … }`, without `wasm`. */
  readonly options: { readonly path: string; readonly text: string } | undefined;
}

/** What lies in the folder, as far as it is completely written. */
export interface AgentsListing {
  /** In the order of names. One whose files have become unusable stays as it was, and is a problem too. */
  readonly agents: readonly DroppedAgent[];
  /** Files that look like agents and are not taken. */
  readonly problems: readonly FileProblem[];
  /** Differs whenever any of the files may differ: for "has anything changed since". */
  readonly fingerprint: string;
}

/** Which folder is followed, and who is told. */
export interface AgentsDirInit {
  /** Absolute path; it need not exist, now or ever. */
  readonly folder: string;
  readonly log: Log;
  /** Called after `listing` has become another one without anybody asking. */
  changed(): void;
}

/** One agent once its files have settled. */
interface Settled {
  readonly stamp: string;
  readonly agent: DroppedAgent | undefined;
  readonly problems: readonly FileProblem[];
}

/**
 * Follows a folder into which agents are dropped. A file is taken once it has not changed for `SETTLE_MS`; until
 * then what was there before it still counts, so a replacement is never seen half-written or missing.
 */
export class AgentsDir {
  readonly #init: AgentsDirInit;
  /** What was last taken, by name. */
  readonly #settled = new Map<string, Settled>();
  /** What looks different now, and since when (`performance.now`). */
  readonly #unsettled = new Map<string, { stamp: string; sinceMs: number }>();
  #listing: AgentsListing = { agents: [], problems: [], fingerprint: "" };
  #events: FolderEvents | undefined;
  #isDeaf = false;
  #looking: Promise<void> | undefined;
  /** Whether something was heard since the last look began. */
  #heardSince = false;
  /** Set exactly while a look is to come. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** When the timer fires (`performance.now`). */
  #timerAtMs = -Infinity;
  #lookedMs = -Infinity;
  /** The folder itself at the last look. */
  #folderStamp = "";
  #isOpen = false;
  /** Calls of `refresh` under way. */
  #refreshing = 0;
  #isClosed = false;

  private constructor(init: AgentsDirInit) {
    this.#init = init;
  }

  /** Follows a folder; resolves once what lies there now is known. */
  static async open(init: AgentsDirInit): Promise<AgentsDir> {
    const dir = new AgentsDir(init);
    await dir.refresh();
    dir.#isOpen = true;
    return dir;
  }

  /** What lies in the folder. */
  get listing(): AgentsListing {
    return this.#listing;
  }

  /**
   * Looks now, waits a second at most for files that are being written, and gives what lies there. Of changes that it
   * finds only the caller hears.
   */
  async refresh(): Promise<AgentsListing> {
    this.#refreshing++;
    try {
      return await this.#refresh();
    } finally {
      this.#refreshing--;
    }
  }

  /** Stops following. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopTimer();
    this.#events?.close();
    await this.#looking;
  }

  async #refresh(): Promise<AgentsListing> {
    const untilMs = performance.now() + REFRESH_MS;
    // One that is under way may have begun before what the caller knows of.
    await this.#looking;
    do {
      if (this.#unsettled.size > 0) await new Promise((done) => setTimeout(done, SETTLE_MS));
      await this.#look();
    } while (this.#unsettled.size > 0 && performance.now() < untilMs);
    return this.#listing;
  }

  /** Looks once; two at a time share one look, and another is made when something was heard meanwhile. */
  async #look(): Promise<void> {
    await (this.#looking ??= this.#lookOnce().finally(() => {
      this.#looking = undefined;
      this.#schedule();
    }));
  }

  async #lookOnce(): Promise<void> {
    this.#stopTimer();
    this.#heardSince = false;
    this.#folderStamp = stampOfFolder(this.#init.folder);
    let look = await lookAt(this.#init.folder);
    // What happened between looking and listening would be missed, so look again after listening anew.
    for (let i = 0; i < FOLLOW_MAX && this.#follow(look); i++) look = await lookAt(this.#init.folder);
    if (look.complete) {
      for (const name of new Set([...look.agents.keys(), ...this.#settled.keys()])) {
        await this.#settle(name, look.agents.get(name));
      }
      for (const name of this.#unsettled.keys()) {
        if (!look.agents.has(name) && !this.#settled.has(name)) this.#unsettled.delete(name);
      }
    }
    this.#lookedMs = performance.now();
    this.#publish(look);
  }

  /** Listens to the folders there are now; whether that took a new watch. */
  #follow(look: Look): boolean {
    if (this.#isClosed || this.#isDeaf) return false;
    const linked = linkedFolders(look);
    if (this.#events?.isCurrent(linked)) return false;
    this.#events?.close();
    this.#events = new FolderEvents({
      folder: this.#init.folder,
      linkedFolders: linked,
      heard: () => this.#heard(),
      deaf: (cause) => this.#warnDeaf(cause),
    });
    return true;
  }

  async #settle(name: string, seen: SeenAgent | undefined): Promise<void> {
    const stamp = stampOf(seen);
    if (stamp === (this.#settled.get(name)?.stamp ?? ABSENT)) {
      this.#unsettled.delete(name);
      return;
    }
    const waiting = this.#unsettled.get(name);
    const nowMs = performance.now();
    // At the start nobody should wait for files that have been lying there for long.
    if (this.#isOpen || !isOld(seen)) {
      if (waiting?.stamp !== stamp) this.#unsettled.set(name, { stamp, sinceMs: nowMs });
      if (waiting?.stamp !== stamp || nowMs - waiting.sinceMs < SETTLE_MS) return;
    }
    this.#unsettled.delete(name);
    if (seen === undefined || stamp === ABSENT) {
      this.#settled.delete(name);
      return;
    }
    const taken = await take(name, seen);
    // A bad file must not disturb the agent that runs.
    const agent = taken.agent ?? (seen.wasm === undefined ? undefined : this.#settled.get(name)?.agent);
    this.#settled.set(name, { stamp, agent, problems: taken.problems });
  }

  #publish(look: Look): void {
    const entries = [...this.#settled].sort(([a], [b]) => a < b ? -1 : 1);
    const problems = [...look.problems, ...entries.flatMap(([, entry]) => entry.problems)];
    const fingerprint = JSON.stringify([
      entries.map(([name, { stamp }]) => [name, stamp]),
      problems.map(({ message }) => message),
    ]);
    if (fingerprint === this.#listing.fingerprint) return;
    const agents = entries.flatMap(([, { agent }]) => agent === undefined ? [] : [agent]);
    this.#listing = { agents, problems, fingerprint };
    if (this.#refreshing === 0 && !this.#isClosed) this.#init.changed();
  }

  #heard(): void {
    this.#heardSince = true;
    if (this.#looking === undefined) this.#wake(SWARM_MS);
  }

  #schedule(): void {
    if (this.#heardSince) this.#wake(SWARM_MS);
    else this.#wake(this.#unsettled.size > 0 ? SETTLE_MS : PEEK_MS);
  }

  #woken(): void {
    const isQuiet = !this.#isDeaf && !this.#heardSince && this.#unsettled.size === 0 &&
      performance.now() - this.#lookedMs < POLL_MS &&
      stampOfFolder(this.#init.folder) === this.#folderStamp;
    if (isQuiet) this.#wake(PEEK_MS);
    else void this.#look();
  }

  /** Looks after a while, or earlier if that was going to happen: later events must not put a look off. */
  #wake(afterMs: number): void {
    if (this.#isClosed) return;
    const atMs = performance.now() + afterMs;
    if (this.#timer !== undefined && this.#timerAtMs <= atMs) return;
    this.#stopTimer();
    this.#timerAtMs = atMs;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#woken();
    }, afterMs);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #warnDeaf(cause: unknown): void {
    this.#isDeaf = true;
    this.#init.log("warn", "Cannot watch the folder of agents; it is looked at every now and then instead", {
      folder: this.#init.folder,
      error: cause instanceof Error ? cause.message : String(cause),
    });
    if (this.#looking === undefined) this.#schedule();
  }
}

function stampOfFolder(folder: string): string {
  try {
    const { dev, ino, mtime } = Deno.statSync(folder);
    return `${dev}:${ino}:${mtime?.getTime()}`;
  } catch {
    return "absent";
  }
}

const ABSENT = "-|-";

function stampOf(seen: SeenAgent | undefined): string {
  return `${seen?.wasm?.stamp ?? "-"}|${seen?.options?.stamp ?? "-"}`;
}

function isOld(seen: SeenAgent | undefined): boolean {
  return seen?.wasm?.old === true && seen.options?.old !== false;
}

function linkedFolders(look: Look): Set<string> {
  const folders = new Set<string>();
  for (const { wasm, options } of look.agents.values()) {
    if (wasm?.linkedFolder !== undefined) folders.add(wasm.linkedFolder);
    if (options?.linkedFolder !== undefined) folders.add(options.linkedFolder);
  }
  return folders;
}

async function take(name: string, { wasm, options }: SeenAgent): Promise<Omit<Settled, "stamp">> {
  const problems: FileProblem[] = [];
  const report = ({ path }: SeenFile, why: string) => problems.push({ path, message: `${path} ${why}` });
  if (wasm === undefined) {
    if (options !== undefined) report(options, `has no ${name}.wasm beside it`);
    return { agent: undefined, problems };
  }
  if (wasm.defect !== undefined) report(wasm, wasm.defect);
  if (options?.defect !== undefined) report(options, options.defect);
  if (problems.length > 0) return { agent: undefined, problems };
  if (options === undefined) return { agent: { id: name, wasm: wasm.path, options }, problems };
  try {
    const text = await readOptions(options.path);
    return { agent: { id: name, wasm: wasm.path, options: { path: options.path, text } }, problems };
  } catch (cause) {
    report(options, `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    return { agent: undefined, problems };
  }
}

/** It was small when it was looked at; it must not grow beyond all bounds while it is read either. */
async function readOptions(path: string): Promise<string> {
  using file = await Deno.open(path);
  const bytes = new Uint8Array(OPTIONS_BYTES_MAX + 1);
  let length = 0;
  while (length < bytes.length) {
    const count = await file.read(bytes.subarray(length));
    if (count === null) break;
    length += count;
  }
  if (length > OPTIONS_BYTES_MAX) throw new Error(`it has more than ${OPTIONS_BYTES_MAX} bytes`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch (cause) {
    throw new Error("it is not UTF-8 text", { cause });
  }
}
