/** Follows an audit log of JSON lines and finds the transactions of a request in it. */

import type { Observation } from "./judge.ts";

/** What a line of the log says of its transaction. */
export interface AuditEntry {
  /** What tells the transaction from others: its id, or the client's port, for each request has its connection. */
  readonly key: string;
  readonly ids: readonly number[];
  readonly messages: readonly string[];
}

/** Reads one line; undefined when it is not about a transaction. Throws on what is not JSON. */
export type ReadEntry = (line: string) => AuditEntry | undefined;

/** Time after which a transaction counts as not logged. */
const ENTRY_TIMEOUT_MS = 3000;

const POLL_MS = 4;

/** The log as far as it has been written. */
export class AuditLog implements Disposable {
  readonly #file: Deno.FsFile;
  readonly #read: ReadEntry;
  readonly #buffer = new Uint8Array(1024 * 1024);
  readonly #decoder = new TextDecoder();
  readonly #entries = new Map<string, AuditEntry[]>();
  #rest = "";

  constructor(path: string, read: ReadEntry) {
    this.#file = Deno.openSync(path, { read: true });
    this.#read = read;
  }

  /** Everything logged for a request that has ended; waits for the first entry, for a while. */
  async take(
    key: string,
  ): Promise<Pick<Observation, "ids" | "messages">> {
    const dueMs = performance.now() + ENTRY_TIMEOUT_MS;
    this.#readOn();
    while (!this.#entries.has(key) && performance.now() < dueMs) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      this.#readOn();
    }
    const entries = this.#entries.get(key) ?? [];
    this.#entries.delete(key);
    return {
      ids: new Set(entries.flatMap((each) => each.ids)),
      messages: entries.flatMap((each) => each.messages).join("\n"),
    };
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }

  #readOn(): void {
    for (;;) {
      const count = this.#file.readSync(this.#buffer);
      if (count === null || count === 0) return;
      const lines = (this.#rest +
        this.#decoder.decode(this.#buffer.subarray(0, count), {
          stream: true,
        }))
        .split("\n");
      this.#rest = lines.pop()!;
      for (const line of lines) if (line !== "") this.#keep(this.#read(line));
    }
  }

  #keep(entry: AuditEntry | undefined): void {
    if (entry === undefined) return;
    const entries = this.#entries.get(entry.key);
    if (entries) entries.push(entry);
    else this.#entries.set(entry.key, [entry]);
  }
}

/** A line of ModSecurity 2: its messages are texts with `[id "…"]` in them. */
export const readModSecurity2: ReadEntry = (line) => {
  const entry = JSON.parse(line) as {
    transaction: { remote_port: number };
    audit_data?: { messages?: string[] };
  };
  const messages = entry.audit_data?.messages ?? [];
  return {
    key: String(entry.transaction.remote_port),
    ids: messages.flatMap(idsIn),
    messages,
  };
};

/** A line of libmodsecurity 3. */
export const readModSecurity3: ReadEntry = (line) => {
  const { transaction } = JSON.parse(line) as {
    transaction: {
      client_port: number;
      messages?: {
        message: string;
        details: { ruleId: string; data: string; match: string };
      }[];
    };
  };
  const messages = transaction.messages ?? [];
  return {
    key: String(transaction.client_port),
    ids: messages.map((each) => Number(each.details.ruleId)),
    messages: messages.map(({ message, details }) => `${message} ${details.data} ${details.match}`),
  };
};

/** A line of Sentinel's audit log; those about other things than matches of a firewall are passed over. */
export const readSentinel: ReadEntry = (line) => {
  const entry = JSON.parse(line) as {
    trace_id: string;
    event_type: string;
    rule_ids?: string[];
    matches?: unknown[];
  };
  if (!entry.event_type.startsWith("waf_")) return undefined;
  return {
    key: entry.trace_id,
    ids: (entry.rule_ids ?? []).map(Number),
    // As JSON, for expressions of the suite expect line breaks to be escaped.
    messages: (entry.matches ?? []).map((each) => JSON.stringify(each)),
  };
};

function idsIn(message: string): number[] {
  return [...message.matchAll(/\[id "(\d+)"\]/g)].map((match) => Number(match[1]));
}
