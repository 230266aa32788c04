/** The entries of all lists, and whether they still hold. */

import { clock, Config, Text } from "sentinel";

/** Most entries of all lists together. */
const ENTRIES_MAX: i32 = 100_000;

/** One value of a list. */
export class Entry {
  constructor(
    readonly value: Text,
    /** Unix milliseconds at which it ends; 0 without an end. */
    readonly endsMs: f64,
    /** As the configuration names it; null when it does not. */
    readonly id: Text | null,
    readonly list: string,
    /** Counts the values of the list. */
    readonly index: i32,
  ) {}

  /** For logs: the entry's own id, or its place such as `block-ips[3]`. */
  get ruleId(): string {
    const id = this.id;
    return id === null ? this.list + "[" + this.index.toString() + "]" : id.toString();
  }
}

/** All entries by number. */
export class Entries {
  private readonly all: Entry[] = [];
  private nowMs: f64 = 0;

  get count(): i32 {
    return this.all.length;
  }

  at(index: i32): Entry {
    return unchecked(this.all[index]);
  }

  /** To be called when a request begins: the time is asked for when an entry needs it. */
  begin(): void {
    this.nowMs = 0;
  }

  /** Whether an entry has not ended. */
  isLive(index: i32): bool {
    const endsMs = unchecked(this.all[index]).endsMs;
    if (endsMs == 0) return true;
    if (this.nowMs == 0) this.nowMs = clock.wallMs();
    return this.nowMs < endsMs;
  }

  /** Adds what one element of a list says; its numbers begin at the old `count`. */
  add(item: Config, list: string, position: i32): i32 {
    const node = item.node!;
    if (node.isString) return this.push(item, new Entry(node.text, 0, null, list, position));
    if (!node.isObject) {
      item.problem("must be a text, or a block with values");
      return 0;
    }
    const values = item.texts("args");
    if (values.length == 0) item.problem("has no values");
    const endsMs = item.instantMs("expires");
    // An agent that is not granted the clock must fail now rather than at its first request.
    if (endsMs > 0) clock.wallMs();
    const id = item.text("id");
    let added = 0;
    for (let index = 0; index < values.length; index++) {
      added += this.push(item, new Entry(values[index], endsMs, id, list, position + index));
    }
    return added;
  }

  private push(item: Config, entry: Entry): i32 {
    if (this.all.length == ENTRIES_MAX) {
      item.problem("is one entry too many: there may be " + ENTRIES_MAX.toString());
      return 0;
    }
    if (entry.value.length == 0) {
      item.problem("is empty");
      return 0;
    }
    this.all.push(entry);
    return 1;
  }
}
