/** One look at a folder of dropped-in agents: what lies there now, whole or not. */

/** Most agents taken from one folder. */
export const DROPPED_AGENTS_MAX = 256;

/** Largest component that is taken, before its own limits are asked. */
export const WASM_BYTES_MAX = 64 * 1024 * 1024;

/** Largest file of options. */
export const OPTIONS_BYTES_MAX = 64 * 1024;

/** Entries of the folder looked at; more means that it is no folder of agents. */
const ENTRIES_MAX = 10_000;

/** A file last written longer ago than this is whole: nobody is writing it any more. */
const WHOLE_AFTER_MS = 2_000;

/** Names become ids, metric labels and words of the configuration. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** A file as it was seen. */
export interface SeenFile {
  /** Absolute path. */
  readonly path: string;
  /** Differs whenever the content may differ. */
  readonly stamp: string;
  /** Why it cannot be used, completing the sentence that its path begins. */
  readonly defect: string | undefined;
  /** Whether it was last written so long ago that it must be complete. */
  readonly old: boolean;
  /** Folder of the file that a link leads to; undefined for a plain file. */
  readonly linkedFolder: string | undefined;
}

/** What belongs to one agent: `<name>.wasm`, and `<name>.kdl` with its options. */
export interface SeenAgent {
  readonly wasm: SeenFile | undefined;
  readonly options: SeenFile | undefined;
}

/** Something in the folder that is not taken, and why. */
export interface FileProblem {
  readonly path: string;
  /** A whole sentence that names the file. */
  readonly message: string;
}

/** Everything seen at one moment. */
export interface Look {
  /** By name, in the order of names. */
  readonly agents: ReadonlyMap<string, SeenAgent>;
  /** False when the folder could not be looked at: then nothing is known about what is there. */
  readonly complete: boolean;
  readonly problems: readonly FileProblem[];
}

/** Looks at a folder; one that does not exist is empty. Opens no file. */
export async function lookAt(folder: string): Promise<Look> {
  const problems: FileProblem[] = [];
  const report = (path: string, message: string) => problems.push({ path, message });
  const names = await candidates(folder, report);
  const agents = new Map<string, SeenAgent>();
  if (names === undefined) return { agents, complete: false, problems };
  await Promise.all([...names].map(async ([name, { wasm, options }]) => {
    // Set before waiting, so that the order of names stays.
    agents.set(name, { wasm: undefined, options: undefined });
    const [seenWasm, seenOptions] = await Promise.all([
      wasm ? see(`${folder}/${name}.wasm`, WASM_BYTES_MAX) : undefined,
      options ? see(`${folder}/${name}.kdl`, OPTIONS_BYTES_MAX) : undefined,
    ]);
    agents.set(name, { wasm: seenWasm, options: seenOptions });
  }));
  return { agents, complete: true, problems };
}

interface Candidate {
  wasm: boolean;
  options: boolean;
}

async function candidates(
  folder: string,
  report: (path: string, message: string) => void,
): Promise<Map<string, Candidate> | undefined> {
  const found = new Map<string, Candidate>();
  let entries = 0;
  try {
    for await (const { name: file } of Deno.readDir(folder)) {
      if (++entries > ENTRIES_MAX) {
        report(folder, `${folder} has more than ${ENTRIES_MAX} entries, so it is no folder of agents`);
        return undefined;
      }
      const [, name = "", ending = ""] = /^([^.].*)\.(wasm|kdl)$/.exec(file) ?? [];
      if (ending === "") continue;
      if (!NAME.test(name)) {
        report(
          `${folder}/${file}`,
          `${folder}/${file} is not taken: a name consists of at most 128 letters, digits, "-", "_" and "."`,
        );
        continue;
      }
      const candidate = found.get(name) ?? { wasm: false, options: false };
      candidate[ending === "wasm" ? "wasm" : "options"] = true;
      found.set(name, candidate);
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return new Map();
    const why = cause instanceof Deno.errors.NotADirectory ? "it is no folder" : messageOf(cause);
    report(folder, `Cannot look for agents in ${folder}: ${why}`);
    return undefined;
  }
  return bounded(found, (name) => {
    const path = `${folder}/${name}.wasm`;
    report(path, `${path} is not taken: ${folder} has more than ${DROPPED_AGENTS_MAX} agents`);
  });
}

/** The first agents in the order of names; files of options alone do not use up the room. */
function bounded(found: ReadonlyMap<string, Candidate>, leftOut: (name: string) => void) {
  const kept = new Map<string, Candidate>();
  let agents = 0;
  for (const [name, candidate] of [...found].sort(([a], [b]) => a < b ? -1 : 1)) {
    if (candidate.wasm && ++agents > DROPPED_AGENTS_MAX) leftOut(name);
    else kept.set(name, candidate);
  }
  return kept;
}

async function see(path: string, bytesMax: number): Promise<SeenFile | undefined> {
  let info: Deno.FileInfo;
  let linkedFolder: string | undefined;
  try {
    const link = await Deno.lstat(path);
    info = link.isSymlink ? await Deno.stat(path) : link;
    if (link.isSymlink) {
      const target = await Deno.realPath(path);
      linkedFolder = target.slice(0, Math.max(target.lastIndexOf("/"), 1));
    }
  } catch (cause) {
    // It went away after the folder was read, or a link leads nowhere; the latter is told below.
    if (cause instanceof Deno.errors.NotFound) return await dangling(path);
    return { ...UNUSABLE, path, stamp: "unreadable", defect: `cannot be looked at: ${messageOf(cause)}` };
  }
  if (!info.isFile) return { ...UNUSABLE, path, stamp: "no file", defect: "is no regular file" };
  const modifiedMs = info.mtime?.getTime() ?? 0;
  const changedMs = info.ctime?.getTime() ?? 0;
  return {
    path,
    stamp: [info.dev, info.ino, info.size, modifiedMs, changedMs].join(":"),
    defect: info.size <= bytesMax ? undefined : `has ${info.size} bytes; at most ${bytesMax} are taken`,
    // A time in the future says nothing.
    old: modifiedMs > 0 && Date.now() - modifiedMs > WHOLE_AFTER_MS,
    linkedFolder,
  };
}

const UNUSABLE = { old: false, linkedFolder: undefined };

async function dangling(path: string): Promise<SeenFile | undefined> {
  const isLink = await Deno.lstat(path).then((info) => info.isSymlink, () => false);
  return isLink ? { ...UNUSABLE, path, stamp: "dangling", defect: "is a link to nothing" } : undefined;
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
