/** The outside world, as certificates see it. */

import type { Clock, Dialer, Log, Random, Timers } from "../core/ports.ts";
import type { DatagramPort, FilePort, HttpPort } from "../discovery/discovery.ts";

/** Files of one folder tree that belongs to this program. Paths are absolute. Everything rejects with a message for people. */
export interface StoragePort {
  /** UTF-8 text; undefined when there is no such file. Rejects past `bytesMax`. */
  read(path: string, bytesMax: number): Promise<string | undefined>;
  /** Replaces the file in one step, readable by nobody else (0600); its folders are made (0700). */
  write(path: string, text: string): Promise<void>;
  /**
   * Shows the file's text to `change` and writes what that gives, while no other process does the same:
   * undefined leaves the file as it is.
   */
  update(path: string, change: (text: string | undefined) => string | undefined): Promise<void>;
}

/** Where the answers to HTTP-01 challenges are given. */
export interface ChallengeBoard {
  /**
   * Replaces what is answered below `/.well-known/acme-challenge/`: token → key authorization. Resolves once
   * every thread answers so.
   */
  show(answers: ReadonlyMap<string, string>): Promise<void>;
}

/** Everything that getting certificates needs. */
export interface AcmePorts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly log: Log;
  readonly dialer: Dialer;
  readonly datagrams: DatagramPort;
  readonly http: HttpPort;
  readonly files: FilePort;
  readonly storage: StoragePort;
  /** An environment variable. Throws, with a message for people, when it may not be read. */
  env(name: string): string | undefined;
}

/** Waits; rejects with the signal's reason when it is aborted before. */
export function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const stop = () => {
      cancel();
      reject(signal.reason);
    };
    const cancel = timers.after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** A number from 0 up to, but not including, 1. */
export function fraction(random: Random): number {
  return random.u32() / 2 ** 32;
}
