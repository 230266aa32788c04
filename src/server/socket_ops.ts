/** What can be done with a connection by its number, as Deno's own connection classes do it. */
export interface SocketOps {
  /** The number of a connection, or undefined for what is no connection of Deno's. */
  numberOf(connection: object): number | undefined;
  /** Resolves with the bytes read; 0 at the end of the stream. */
  read(number: number, buffer: Uint8Array): Promise<number>;
  write(number: number, bytes: Uint8Array): Promise<number>;
  /** Sends FIN. */
  shutdown(number: number): Promise<void>;
  /** Throws when it is closed already. */
  close(number: number): void;
}

interface Core {
  readonly internalRidSymbol?: unknown;
  readonly read?: unknown;
  readonly write?: unknown;
  readonly shutdown?: unknown;
  readonly close?: unknown;
}

/**
 * What the methods of `Deno.Conn` call. The public `read` wraps it in an asynchronous function and a set of
 * pending promises, which costs 2 KB of garbage and 1.5 µs for the two reads of a proxied request: six per
 * cent of the whole. This is internal API of Deno, so this file alone knows it, and `deno_socket.ts` goes on
 * with the public methods where it is not as expected.
 */
export const socketOps: SocketOps | undefined = findSocketOps(Deno);

/** Exported for its test: `deno` is the `Deno` namespace, whatever this version of it holds. */
export function findSocketOps(deno: object): SocketOps | undefined {
  const key: unknown = Reflect.get(deno, "internal");
  if (typeof key !== "symbol") return undefined;
  const internals: { readonly core?: Core } | undefined = Reflect.get(deno, key);
  const core = internals?.core;
  if (core === undefined) return undefined;
  const { internalRidSymbol: symbol, read, write, shutdown, close } = core;
  if (typeof symbol !== "symbol") return undefined;
  if ([read, write, shutdown, close].some((each) => typeof each !== "function")) return undefined;
  return {
    numberOf(connection) {
      const number: unknown = Reflect.get(connection, symbol);
      return typeof number === "number" ? number : undefined;
    },
    read: read as SocketOps["read"],
    write: write as SocketOps["write"],
    shutdown: shutdown as SocketOps["shutdown"],
    close: close as SocketOps["close"],
  };
}
