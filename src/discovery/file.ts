import { hasErrors, type Issue } from "../core/issue.ts";
import { repeated } from "../core/named_blocks.ts";
import { Reading } from "../core/reading.ts";
import { block, bytes, duration, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import {
  type Answer,
  DiscoveryError,
  type DiscoveryKind,
  type DiscoveryPorts,
  type Finder,
} from "./discovery.ts";
import { discoveryOptions } from "./options.ts";
import { parseTargetLines } from "./target_lines.ts";
import { listedTarget } from "./static_list.ts";

const options = discoveryOptions({
  path: text({
    summary:
      "The file: `.kdl` with `target` nodes, `.json` or `.toml` with `targets`, any other with lines `host:port weight=1`.",
    aliases: ["file"],
    required: true,
    example: "/etc/sentinel/targets.json",
  }),
  pollSecs: duration({
    summary: "The file is looked at this often too, for file systems that tell of no changes.",
    aliases: ["watch-interval", "poll-interval", "interval"],
    unit: "s",
    min: 0.1,
    max: 3600,
    default: 30,
  }),
  maxBytes: bytes({ summary: "A larger file is refused.", min: 1024, max: 16_777_216, default: 1_048_576 }),
});

type FileOptions = NonNullable<Infer<typeof options>>;

/** What a file of targets holds. */
const listedTargets = block({
  summary: "Targets.",
  always: true,
  fields: {
    targets: repeated({ summary: "Places.", name: "target", aliases: ["targets"], block: listedTarget }),
  },
});

/** The targets stand in a file that is watched. Replacing it by renaming is the way to change it. */
export const file: DiscoveryKind<"file", FileOptions> = {
  type: "file",
  summary: "A list in a file that is watched; a file that makes no sense changes nothing.",
  options,
  subject: ({ path }) => path,
  create: (given, ports) => new FileFinder(given, ports),
};

class FileFinder implements Finder {
  readonly #options: FileOptions;
  readonly #ports: DiscoveryPorts;
  #watch: (() => void) | undefined;
  /** The last text looked at, good or not. */
  #seen: string | undefined;
  /** Why the file could not be read the last time, so that the same reason is not told again and again. */
  #isUnreadable = false;
  #isStale = true;
  #wake: (() => void) | null = null;

  constructor(given: FileOptions, ports: DiscoveryPorts) {
    this.#options = given;
    this.#ports = ports;
  }

  /** The next content that differs from the last one. Rejects for one that makes no sense, then waits for another. */
  async next(signal: AbortSignal): Promise<Answer> {
    const { path, maxBytes } = this.#options;
    this.#watch ??= this.#ports.files.watch(path, () => this.#changed());
    while (true) {
      if (!this.#isStale) await this.#change(signal);
      signal.throwIfAborted();
      this.#isStale = false;
      let content: string;
      try {
        content = await this.#ports.files.readText(path, maxBytes);
      } catch (cause) {
        this.#seen = undefined;
        if (this.#isUnreadable) continue;
        this.#isUnreadable = true;
        throw new DiscoveryError(messageOf(cause), { againAfterMs: 0, cause });
      }
      this.#isUnreadable = false;
      if (content === this.#seen) continue;
      this.#seen = content;
      return this.#read(content);
    }
  }

  close(): void {
    this.#watch?.();
    this.#wake?.();
  }

  #changed(): void {
    this.#isStale = true;
    this.#wake?.();
  }

  /** Resolves when the file may have changed, or it is time to look, or nobody wants to know any more. */
  #change(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#ports.timers.after(this.#options.pollSecs * 1000, resolve);
    this.#wake = resolve;
    const end = () => resolve();
    signal.addEventListener("abort", end, { once: true });
    return promise.finally(() => {
      cancel();
      signal.removeEventListener("abort", end);
      this.#wake = null;
    });
  }

  #read(content: string): Answer {
    const { path } = this.#options;
    try {
      if (!/\.(?:kdl|json|toml)$/i.test(path)) return { targets: parseTargetLines(content), againAfterMs: 0 };
      // A bare JSON list has no name that the language could know.
      const isList = /\.json$/i.test(path) && content.trimStart().startsWith("[");
      return { targets: this.#parse(isList ? `{"targets":${content}}` : content), againAfterMs: 0 };
    } catch (cause) {
      throw new DiscoveryError(`${path}: ${messageOf(cause)}`, { againAfterMs: 0, cause });
    }
  }

  #parse(content: string): Answer["targets"] {
    const { path } = this.#options;
    const { nodes, issues } = this.#ports.parse(content, path);
    refuseErrors(issues);
    const span = { file: path, start: 0, end: 0, line: 1, column: 1 };
    const root = {
      name: "",
      nameSpan: span,
      span,
      args: [],
      props: [],
      children: nodes,
      syntax: nodes[0]?.syntax ?? "kdl",
    };
    const reading = new Reading();
    const { targets } = listedTargets.read([root], { reading, parent: root, name: "" });
    refuseErrors(reading.issues);
    // A list of bare texts has no entries in the language, and must not pass for an empty one.
    const isBare = nodes.some(({ args }) => args.length > 0 && nodes[0]!.syntax === "data");
    if (isBare) throw new Error('targets are objects such as {"address": "10.0.0.1:80"}');
    return targets;
  }
}

function refuseErrors(issues: readonly Issue[]): void {
  if (!hasErrors(issues)) return;
  const first = issues.find(({ severity }) => severity === "error")!;
  const place = first.span === undefined ? "" : `${first.span.line}:${first.span.column}: `;
  throw new Error(`${place}${first.message}`);
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
