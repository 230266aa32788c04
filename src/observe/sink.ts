import type { Timers } from "../core/ports.ts";

/** Takes finished lines. Never blocks, never throws: what cannot be kept is dropped and counted. */
export interface LineSink {
  /** `line` ends with a newline. */
  write(line: string): void;
}

/** Where lines end up: a file, a standard stream. */
export interface LineWriter {
  /** Writes whole lines; the view may be reused once this settles. Rejects when they are lost. */
  write(lines: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** How often a sink looks whether a write is due. */
export const TICK_MS = 100;

/** Ticks that lines wait at most in a buffer: one second. */
export const TICKS_UNTIL_FLUSH = 10;

/** Bytes that are written at once even if there was a write in the same tick. */
export const LARGE_BATCH_BYTES = 256 * 1024;

/** Bytes that wait for a slow writer before lines are dropped. */
export const PENDING_BYTES_MAX = 4 * 1024 * 1024;

/** Where a sink writes to, and when. */
export interface BatchingSinkOptions {
  readonly writer: LineWriter;
  readonly timers: Timers;
  /**
   * Bytes that start a write, at most one in a tick unless there are `LARGE_BATCH_BYTES`. 0 writes every line
   * at once, or as soon as the write under way has ended.
   */
  readonly flushBytes: number;
  /** Bytes that may wait; above, lines are dropped. */
  readonly pendingBytesMax?: number;
}

/**
 * Characters that wait as text. Encoding many lines at once is far cheaper than line by line, but text that
 * waits is many small objects which every collection of the young generation copies: with a whole batch of
 * 64 KB as text, log lines were most of what outlived a request, and the longest pauses came from them.
 */
const TEXT_CHARS_MAX = 4096;

/** A larger buffer, grown while a writer was slow, is not kept once it has been written. */
const BUFFER_BYTES_KEPT = 2 * LARGE_BATCH_BYTES;

/**
 * Gathers lines and writes them in batches: one batch is being written while the next one grows. Batches
 * grow with the load, because a write costs some 50 µs: measured per line of 400 bytes, 3.9 µs in batches of
 * 8 KB, 0.8 µs in batches of 256 KB.
 */
export class BatchingSink implements LineSink {
  readonly #writer: LineWriter;
  readonly #flushBytes: number;
  readonly #pendingMax: number;
  readonly #stopTimer: () => void;
  readonly #encoder = new TextEncoder();
  /** The latest lines, as text. */
  #text = "";
  /** The lines before them, as bytes. */
  #buffer = new Uint8Array(0);
  #filled = 0;
  /** The buffer of the last batch, for the next one. */
  #spare = new Uint8Array(0);
  #pendingLines = 0;
  #writing: Promise<void> | null = null;
  #wroteInTick = false;
  #ticksWaited = 0;
  #closed = false;
  #dropped = 0;

  constructor(options: BatchingSinkOptions) {
    this.#writer = options.writer;
    this.#flushBytes = options.flushBytes;
    this.#pendingMax = options.pendingBytesMax ?? PENDING_BYTES_MAX;
    this.#stopTimer = options.timers.every(TICK_MS, () => this.#tick());
  }

  /** Lines lost so far: the buffer was full, the writer failed, or the sink was closed. */
  get dropped(): number {
    return this.#dropped;
  }

  write(line: string): void {
    if (this.#closed || this.#pendingBytes + line.length > this.#pendingMax) {
      this.#dropped++;
      return;
    }
    this.#text += line;
    this.#pendingLines++;
    if (this.#text.length >= TEXT_CHARS_MAX) this.#encode();
    if (this.#pendingBytes >= this.#flushBytes) this.#startIfDue();
  }

  /** Resolves when every line written before the call is out, or lost. */
  async flush(): Promise<void> {
    // The batch under way may have begun before the latest lines came, hence the second round.
    for (let round = 0; round < 2; round++) {
      this.#start();
      if (this.#writing !== null) await this.#writing;
    }
  }

  /** Writes what is left and closes the writer; later lines count as dropped. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#stopTimer();
    await this.flush();
    this.#closed = true;
    await this.flush();
    await this.#writer.close();
  }

  /** Log lines are ASCII, so characters are bytes. */
  get #pendingBytes(): number {
    return this.#filled + this.#text.length;
  }

  #tick(): void {
    this.#wroteInTick = false;
    this.#ticksWaited++;
    if (this.#pendingBytes >= this.#flushBytes || this.#ticksWaited >= TICKS_UNTIL_FLUSH) this.#start();
  }

  #startIfDue(): void {
    const size = this.#pendingBytes;
    if (size < this.#flushBytes) return;
    if (!this.#wroteInTick || size >= LARGE_BATCH_BYTES || this.#flushBytes === 0) this.#start();
  }

  #start(): void {
    if (this.#writing !== null || this.#pendingLines === 0) return;
    this.#encode();
    this.#wroteInTick = true;
    this.#ticksWaited = 0;
    const lines = this.#pendingLines;
    const buffer = this.#buffer;
    const batch = buffer.subarray(0, this.#filled);
    this.#buffer = this.#spare;
    this.#spare = new Uint8Array(0);
    this.#filled = 0;
    this.#pendingLines = 0;
    this.#writing = this.#writer.write(batch).catch(() => {
      this.#dropped += lines;
    }).then(() => {
      this.#writing = null;
      if (buffer.length <= BUFFER_BYTES_KEPT) this.#spare = buffer;
      this.#startIfDue();
    });
  }

  /** Moves the text behind the bytes. */
  #encode(): void {
    const text = this.#text;
    this.#text = "";
    this.#reserve(text.length);
    const { read, written } = this.#encoder.encodeInto(text, this.#buffer.subarray(this.#filled));
    this.#filled += written;
    if (read === text.length) return;
    // Only what is not ASCII can be longer than the room; no log of ours writes such lines.
    const rest = this.#encoder.encode(text.slice(read));
    this.#reserve(rest.length);
    this.#buffer.set(rest, this.#filled);
    this.#filled += rest.length;
  }

  /** Makes room for `bytes` more. */
  #reserve(bytes: number): void {
    const needed = this.#filled + bytes;
    if (this.#buffer.length >= needed) return;
    const larger = new Uint8Array(nextPowerOfTwo(needed));
    larger.set(this.#buffer.subarray(0, this.#filled));
    this.#buffer = larger;
  }
}

function nextPowerOfTwo(value: number): number {
  let size = TEXT_CHARS_MAX;
  while (size < value) size *= 2;
  return size;
}
