/**
 * A header block as it stood on the wire: order, letter case and duplicates are kept.
 *
 * Values are byte strings: one UTF-16 unit per byte (ISO 8859-1), so any octet survives the way through.
 * Lookups go by `key`, the lower-case name; parsers hand in interned keys so that comparing is cheap.
 */
export class HeaderList {
  /** Names as received or set, in order. */
  readonly names: string[] = [];
  /** The same names in lower case. */
  readonly keys: string[] = [];
  /** Values without surrounding white space. */
  readonly values: string[] = [];
  /** The head these lines were read from, a byte string; empty for a list that was put together. */
  readonly source: string;
  /** Where each line stands in `source`, or -1 when it was added or changed since. */
  readonly #starts: number[] = [];

  constructor(source = "") {
    this.source = source;
  }

  /** Builds a list from `[name, value]` pairs. */
  static from(pairs: Iterable<readonly [string, string]>): HeaderList {
    const list = new HeaderList();
    for (const [name, value] of pairs) list.append(name, value);
    return list;
  }

  /** How many header lines there are. */
  get size(): number {
    return this.keys.length;
  }

  /** The first value of the header, or undefined. `key` is lower case. */
  get(key: string): string | undefined {
    const index = this.keys.indexOf(key);
    return index < 0 ? undefined : this.values[index];
  }

  /** Every value of the header, in order. */
  getAll(key: string): string[] {
    const found: string[] = [];
    for (let i = 0; i < this.keys.length; i++) if (this.keys[i] === key) found.push(this.values[i]!);
    return found;
  }

  /** All values joined by `, `, as RFC 9110 §5.3 allows for list headers; undefined when absent. */
  joined(key: string): string | undefined {
    const index = this.keys.indexOf(key);
    if (index < 0) return undefined;
    if (this.keys.indexOf(key, index + 1) < 0) return this.values[index];
    return this.getAll(key).join(", ");
  }

  has(key: string): boolean {
    return this.keys.includes(key);
  }

  /** Adds a line at the end. */
  append(name: string, value: string): void {
    this.appendKeyed(name, name.toLowerCase(), value);
  }

  /** As `append`, for callers that hold the interned lower-case key already. */
  appendKeyed(name: string, key: string, value: string): void {
    this.names.push(name);
    this.keys.push(key);
    this.values.push(value);
    this.#starts.push(-1);
  }

  /**
   * Says that the last line stands at `start` in the source, in exactly the form `name: value` and CRLF,
   * so that it can be written as it is.
   */
  markRead(start: number): void {
    this.#starts[this.#starts.length - 1] = start;
  }

  /** Where the line stands in the source; -1 when it must be written anew. */
  startOf(index: number): number {
    return this.#starts[index]!;
  }

  /** Gives the line another name, where it stands. */
  renameAt(index: number, name: string): void {
    this.names[index] = name;
    this.keys[index] = name.toLowerCase();
    this.#starts[index] = -1;
  }

  /** Moves a line to an earlier place, over the one that was there: for removing many in one walk. */
  move(from: number, to: number): void {
    if (from === to) return;
    this.names[to] = this.names[from]!;
    this.keys[to] = this.keys[from]!;
    this.values[to] = this.values[from]!;
    this.#starts[to] = this.#starts[from]!;
  }

  /** Keeps the first `count` lines. */
  truncate(count: number): void {
    if (count === this.keys.length) return;
    this.names.length =
      this.keys.length =
      this.values.length =
      this.#starts.length =
        count;
  }

  /** Puts the value where the header first stood and drops its other lines; appends when it was absent. */
  set(name: string, value: string): void {
    this.setKeyed(name, name.toLowerCase(), value);
  }

  /** As `set`, for callers that hold the lower-case key already. */
  setKeyed(name: string, key: string, value: string): void {
    const index = this.keys.indexOf(key);
    if (index < 0) {
      this.appendKeyed(name, key, value);
      return;
    }
    this.names[index] = name;
    this.values[index] = value;
    this.#starts[index] = -1;
    this.#removeFrom(key, index + 1);
  }

  /** Drops every line of the header; true when there was one. */
  remove(key: string): boolean {
    const index = this.keys.indexOf(key);
    if (index < 0) return false;
    this.#removeFrom(key, index);
    return true;
  }

  clone(): HeaderList {
    const copy = new HeaderList();
    for (let i = 0; i < this.keys.length; i++) {
      copy.appendKeyed(this.names[i]!, this.keys[i]!, this.values[i]!);
    }
    return copy;
  }

  *[Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    for (let i = 0; i < this.keys.length; i++) yield [this.names[i]!, this.values[i]!];
  }

  #removeFrom(key: string, start: number): void {
    let kept = start;
    for (let i = start; i < this.keys.length; i++) {
      if (this.keys[i] !== key) this.move(i, kept++);
    }
    this.truncate(kept);
  }
}
