/** What a verb may touch of the terminal it runs in; tests put their own in. */
export interface Terminal {
  /** Results: what a person or a script asked for. */
  out(text: string): void;
  /** Everything else: errors, warnings, progress. */
  err(text: string): void;
  env(name: string): string | undefined;
  /** Whether standard error takes colours. */
  readonly color: boolean;
}

/** Exit statuses, as every verb returns them. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const encoder = new TextEncoder();
  const write = (stream: { writeSync(bytes: Uint8Array): number }, text: string) => {
    const bytes = encoder.encode(text.endsWith("\n") ? text : `${text}\n`);
    try {
      for (let sent = 0; sent < bytes.length;) sent += stream.writeSync(bytes.subarray(sent));
    } catch (cause) {
      // The reader of a pipe (`sentinel schema | head`) may have enough.
      if (!(cause instanceof Deno.errors.BrokenPipe)) throw cause;
    }
  };
  return {
    out: (text) => write(Deno.stdout, text),
    err: (text) => write(Deno.stderr, text),
    env: (name) => Deno.env.get(name),
    color: Deno.stderr.isTerminal() && !Deno.noColor,
  };
}
