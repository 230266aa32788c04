/** Whether a component's functions are those of a world, and if not, which one differs how. */

import type { WorldTypes } from "../agents/contract/world.ts";
import { AgentLoadError } from "../agents/guest.ts";

/** The types of a component, as canonical texts; keys as in `WorldTypes`, WASI's with their package. */
export interface ComponentTypes {
  readonly world: { readonly package: string; readonly version: string };
  readonly imports: Readonly<Record<string, string>>;
  readonly exports: Readonly<Record<string, string>>;
}

/** Text shown on both sides of the place where two types part. */
const EXCERPT_LENGTH = 32;

/** What names consist of; they are not cut. */
const WORD = /[a-z0-9-]/;

/** Functions named in one message. */
const NAMED_MAX = 3;

/**
 * The world of a component all of whose functions have the types that the world gives them. Throws `AgentLoadError`
 * that names the functions that do not. Imports of WASI are left to the host, which denies what it does not have.
 */
export function worldOf(component: ComponentTypes, worlds: readonly WorldTypes[]): WorldTypes {
  const { package: name, version } = component.world;
  const world = worlds.find((each) => each.package === name && major(each.version) === major(version));
  if (world === undefined) {
    const known = worlds.map((each) => `${each.package}@${each.version}`).join(" and ");
    throw new AgentLoadError(`it is built for ${name}@${version}; known are ${known}`);
  }
  const problems = [
    ...differences(component.exports, { side: "exports", expected: world.exports, world }),
    ...missing(component.exports, world),
    ...differences(component.imports, { side: "imports", expected: world.imports, world }),
  ];
  if (problems.length === 0) return world;
  const more = problems.length > NAMED_MAX ? `; and ${problems.length - NAMED_MAX} more` : "";
  throw new AgentLoadError(problems.slice(0, NAMED_MAX).join("; ") + more);
}

function differences(
  found: Readonly<Record<string, string>>,
  { side, expected, world }: {
    readonly side: "imports" | "exports";
    readonly expected: ReadonlyMap<string, string>;
    readonly world: WorldTypes;
  },
): string[] {
  const problems: string[] = [];
  for (const [key, type] of Object.entries(found)) {
    const want = expected.get(key);
    if (want === type || (side === "imports" && key.startsWith("wasi:"))) continue;
    const title = `${world.package}@${world.version}`;
    if (want === undefined) problems.push(`it ${side} ${key}, which ${title} does not have`);
    else {
      const [here, there] = whereTheyPart(type, want);
      problems.push(`it ${side} ${key} with ${here}, where ${title} has ${there}`);
    }
  }
  return problems;
}

/** An interface is exported as a whole, and every agent has a life cycle. */
function missing(exports: Readonly<Record<string, string>>, world: WorldTypes): string[] {
  const present = new Set(Object.keys(exports).map(interfaceOf));
  const gone: string[] = [];
  for (const key of world.exports.keys()) {
    const name = interfaceOf(key);
    const isWanted = present.has(name) || ALWAYS.has(`${world.package}/${name}`);
    if (isWanted && !Object.hasOwn(exports, key)) gone.push(`it does not export ${key}`);
  }
  return gone;
}

const ALWAYS: ReadonlySet<string> = new Set([
  "sentinel:agent/lifecycle",
  "zentinel:agent/handler",
  "zentinel:agent/lifecycle",
]);

/** Both texts around the first place where they differ. */
export function whereTheyPart(a: string, b: string): readonly [string, string] {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  // From the beginning of the word that differs, which says more than its last letters.
  while (at > 0 && WORD.test(a[at - 1]!)) at--;
  return [excerpt(a, at), excerpt(b, at)];
}

function excerpt(text: string, at: number): string {
  let start = Math.max(0, at - EXCERPT_LENGTH);
  while (start > 0 && WORD.test(text[start - 1]!)) start--;
  const end = Math.min(text.length, at + EXCERPT_LENGTH);
  return `${start > 0 ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`;
}

function interfaceOf(key: string): string {
  return key.slice(0, key.indexOf("#"));
}

function major(version: string): string {
  return version.split(".")[0]!;
}
