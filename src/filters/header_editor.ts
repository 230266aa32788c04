import type { RequestContext } from "../core/context.ts";
import type { HeaderEdits } from "../core/header_edits.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import { wireText } from "../core/wire_text.ts";

interface Line {
  readonly name: string;
  readonly key: string;
  readonly value: string;
}

/** Changes to header blocks, prepared once: rename, then set, add, remove. */
export class HeaderEditor {
  readonly #renames: readonly Line[];
  readonly #sets: readonly Line[];
  readonly #adds: readonly Line[];
  readonly #removes: readonly string[];
  readonly #authority: string | undefined;

  constructor(edits: HeaderEdits) {
    this.#renames = edits.rename.map(([from, to]) => ({ name: to, key: from.toLowerCase(), value: "" }));
    const sets = edits.set.map(toLine);
    this.#sets = sets.filter((line) => line.key !== "host");
    this.#authority = sets.find((line) => line.key === "host")?.value;
    this.#adds = edits.add.map(toLine);
    this.#removes = edits.remove.map((name) => name.toLowerCase());
  }

  /** Changes what goes upstream. Setting `Host` changes the authority; the route stays the same. */
  editRequest(context: RequestContext): void {
    if (this.#authority !== undefined) context.head.authority = this.#authority;
    this.#edit(context.head.headers);
  }

  editResponse(response: Response): void {
    this.#edit(response.headers);
  }

  #edit(headers: HeaderList): void {
    for (const { key, name } of this.#renames) rename(headers, key, name);
    for (const { name, value } of this.#sets) headers.set(name, value);
    for (const { name, key, value } of this.#adds) headers.appendKeyed(name, key, value);
    for (const key of this.#removes) headers.remove(key);
  }
}

/** The editor for these changes, or undefined when there are none. */
export function headerEditor(edits: HeaderEdits): HeaderEditor | undefined {
  const { rename, set, add, remove } = edits;
  return rename.length + set.length + add.length + remove.length === 0 ? undefined : new HeaderEditor(edits);
}

/** What is wrong with changes to `Host`, which a request has exactly once; undefined when nothing is. */
export function hostEditProblem(edits: HeaderEdits): string | undefined {
  const isHost = (name: string) => name.toLowerCase() === "host";
  if (edits.remove.some(isHost) || edits.add.some(([name]) => isHost(name))) {
    return `"Host" can only be set: a request has it exactly once`;
  }
  if (edits.rename.some((pair) => pair.some(isHost))) return `"Host" cannot be renamed, only set`;
  const host = edits.set.find(([name]) => isHost(name))?.[1];
  return host === undefined || isAuthority(host) ? undefined : `"Host" cannot be set to "${host}"`;
}

/** Whether the text is `host` or `host:port`. */
export function isAuthority(text: string): boolean {
  return /^(?:[a-z0-9._~-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i.test(text);
}

function toLine([name, value]: readonly [string, string]): Line {
  return { name, key: name.toLowerCase(), value: wireText(value) };
}

/** Gives every line of the header the other name, where it stands. */
function rename(headers: HeaderList, key: string, name: string): void {
  for (let i = headers.indexOf(key); i >= 0; i = headers.indexOf(key, i + 1)) {
    headers.renameAt(i, name);
  }
}
