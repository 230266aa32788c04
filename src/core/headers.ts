/** What a line consists of: five cells, one after the other. */
const NAME = 0;
const KEY = 1;
/** Undefined until somebody asks for it: most values are passed on without being looked at. */
const VALUE = 2;
/** Where the value begins in `source`; -1 for a line that was added or changed. */
const START = 3;
/** Where the line begins in `source` if it stands there as `name: value` and CRLF, else -1. */
const LINE = 4;
/** Where the value ends in `source`. */
const END = 5;
const CELLS_PER_LINE = 6;

/** Lines there is room for beside those announced. */
const SPARE_LINES = 4;

type Cell = string | number | undefined;

/**
 * A header block as it stood on the wire: order, letter case and duplicates are kept.
 *
 * Values are byte strings: one UTF-16 unit per byte (ISO 8859-1), so any octet survives the way through.
 * Lookups go by `key`, the lower-case name; parsers hand in interned keys so that comparing is cheap.
 * All lines lie in one array, for a list is made for every message in either direction.
 */
export class HeaderList {
  /** The head these lines were read from, a byte string; empty for a list that was put together. */
  readonly source: string;
  /**
   * Keys of lines whose sender forbids every hop to remember them, as HTTP/2 can say (RFC 7541 §7.1.3);
   * undefined when there are none.
   */
  neverIndexed: Set<string> | undefined = undefined;
  readonly #cells: Cell[];
  #size = 0;

  /** `lines`: how many are about to be added, if that is known. */
  constructor(source = "", lines = 0) {
    this.source = source;
    this.#cells = new Array<Cell>((lines + SPARE_LINES) * CELLS_PER_LINE);
  }

  /** Builds a list from `[name, value]` pairs. */
  static from(pairs: Iterable<readonly [string, string]>): HeaderList {
    const list = new HeaderList();
    for (const [name, value] of pairs) list.append(name, value);
    return list;
  }

  /** How many header lines there are. */
  get size(): number {
    return this.#size;
  }

  /** The name of a line as received or set. */
  nameAt(index: number): string {
    return this.#cells[index * CELLS_PER_LINE + NAME] as string;
  }

  /** The same name in lower case. */
  keyAt(index: number): string {
    return this.#cells[index * CELLS_PER_LINE + KEY] as string;
  }

  /** The value of a line, without surrounding white space. */
  valueAt(index: number): string {
    const cells = this.#cells;
    const at = index * CELLS_PER_LINE;
    const value = cells[at + VALUE];
    if (value !== undefined) return value as string;
    return cells[at + VALUE] = this.source.slice(cells[at + START] as number, cells[at + END] as number);
  }

  /** The first line of that header from line `from` on, or -1. `key` is lower case. */
  indexOf(key: string, from = 0): number {
    const cells = this.#cells;
    for (let i = from, at = from * CELLS_PER_LINE + KEY; i < this.#size; i++, at += CELLS_PER_LINE) {
      if (cells[at] === key) return i;
    }
    return -1;
  }

  /** The first value of the header, or undefined. `key` is lower case. */
  get(key: string): string | undefined {
    const index = this.indexOf(key);
    return index < 0 ? undefined : this.valueAt(index);
  }

  /** Every value of the header, in order. */
  getAll(key: string): string[] {
    const found: string[] = [];
    for (let i = this.indexOf(key); i >= 0; i = this.indexOf(key, i + 1)) found.push(this.valueAt(i));
    return found;
  }

  /** All values joined by `, `, as RFC 9110 §5.3 allows for list headers; undefined when absent. */
  joined(key: string): string | undefined {
    const index = this.indexOf(key);
    if (index < 0) return undefined;
    if (this.indexOf(key, index + 1) < 0) return this.valueAt(index);
    return this.getAll(key).join(", ");
  }

  has(key: string): boolean {
    return this.indexOf(key) >= 0;
  }

  /** Adds a line at the end. */
  append(name: string, value: string): void {
    this.appendKeyed(name, name.toLowerCase(), value);
  }

  /** As `append`, for callers that hold the interned lower-case key already. */
  appendKeyed(name: string, key: string, value: string): void {
    this.#write(this.#size++, name, key);
    this.#setValue(this.#size - 1, value);
  }

  /** Adds a line whose value is in the source; `placeLast` says where, and must follow. */
  appendRead(name: string, key: string): void {
    this.#write(this.#size++, name, key);
  }

  /**
   * The value of the last line stands in the source from `start` to `end`. `lineStart`: where the line
   * stands in exactly the form `name: value` and CRLF, so that it can be written as it is; -1 when it does not.
   */
  placeLast(start: number, end: number, lineStart: number): void {
    const cells = this.#cells;
    const at = (this.#size - 1) * CELLS_PER_LINE;
    cells[at + START] = start;
    cells[at + END] = end;
    cells[at + LINE] = lineStart;
  }

  /** Where the line stands in the source; -1 when it must be written anew. */
  lineStart(index: number): number {
    return this.#cells[index * CELLS_PER_LINE + LINE] as number;
  }

  /** Where its line end ends there. */
  lineEnd(index: number): number {
    return this.#cells[index * CELLS_PER_LINE + END] as number + 2;
  }

  /** Gives the line another name, where it stands. */
  renameAt(index: number, name: string): void {
    const value = this.valueAt(index);
    this.#write(index, name, name.toLowerCase());
    this.#setValue(index, value);
  }

  /** Moves a line to an earlier place, over the one that was there: for removing many in one walk. */
  move(from: number, to: number): void {
    if (from === to) return;
    const cells = this.#cells;
    const source = from * CELLS_PER_LINE;
    const target = to * CELLS_PER_LINE;
    for (let cell = 0; cell < CELLS_PER_LINE; cell++) cells[target + cell] = cells[source + cell];
  }

  /** Keeps the first `count` lines. */
  truncate(count: number): void {
    this.#size = count;
  }

  /** Puts the value where the header first stood and drops its other lines; appends when it was absent. */
  set(name: string, value: string): void {
    this.setKeyed(name, name.toLowerCase(), value);
  }

  /** As `set`, for callers that hold the lower-case key already. */
  setKeyed(name: string, key: string, value: string): void {
    const index = this.indexOf(key);
    if (index < 0) {
      this.appendKeyed(name, key, value);
      return;
    }
    this.#write(index, name, key);
    this.#setValue(index, value);
    this.#removeFrom(key, index + 1);
  }

  /** Drops every line of the header; true when there was one. */
  remove(key: string): boolean {
    const index = this.indexOf(key);
    if (index < 0) return false;
    this.#removeFrom(key, index);
    return true;
  }

  clone(): HeaderList {
    const copy = new HeaderList("", this.#size);
    if (this.neverIndexed !== undefined) copy.neverIndexed = new Set(this.neverIndexed);
    for (let i = 0; i < this.#size; i++) copy.appendKeyed(this.nameAt(i), this.keyAt(i), this.valueAt(i));
    return copy;
  }

  *[Symbol.iterator](): IterableIterator<[name: string, value: string]> {
    for (let i = 0; i < this.#size; i++) yield [this.nameAt(i), this.valueAt(i)];
  }

  /** Makes the line one that has a name and no value yet. */
  #write(index: number, name: string, key: string): void {
    const cells = this.#cells;
    const at = index * CELLS_PER_LINE;
    cells[at + NAME] = name;
    cells[at + KEY] = key;
    cells[at + VALUE] = undefined;
    cells[at + START] = -1;
    cells[at + END] = -1;
    cells[at + LINE] = -1;
  }

  #setValue(index: number, value: string): void {
    this.#cells[index * CELLS_PER_LINE + VALUE] = value;
  }

  #removeFrom(key: string, start: number): void {
    let kept = start;
    for (let i = start; i < this.#size; i++) {
      if (this.keyAt(i) !== key) this.move(i, kept++);
    }
    this.truncate(kept);
  }
}
