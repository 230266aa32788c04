import type { HeaderList } from "../core/headers.ts";

/**
 * Puts header lines together as a byte string. Lines that stand in the source as they are to be written
 * are taken from there in runs, which costs a fraction of joining their parts.
 */
export class LineWriter {
  /** What was written so far, without the run at hand; `end` completes it. */
  #text: string;
  readonly #list: HeaderList;
  #runStart = 0;
  #runEnd = 0;

  constructor(text: string, list: HeaderList) {
    this.#text = text;
    this.#list = list;
  }

  /** Writes line `index` of the list. */
  line(index: number): void {
    const list = this.#list;
    const start = list.lineStart(index);
    if (start < 0) {
      this.text(list.nameAt(index) + ": " + list.valueAt(index) + "\r\n");
      return;
    }
    if (start !== this.#runEnd) {
      this.#flush();
      this.#runStart = start;
    }
    this.#runEnd = list.lineEnd(index);
  }

  /** Writes anything else. */
  text(text: string): void {
    this.#flush();
    this.#text += text;
  }

  /** Everything written. */
  end(): string {
    this.#flush();
    return this.#text;
  }

  #flush(): void {
    if (this.#runEnd > this.#runStart) this.#text += this.#list.source.slice(this.#runStart, this.#runEnd);
    this.#runStart = this.#runEnd = 0;
  }
}
