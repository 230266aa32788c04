/** What active checks say of a target; `unknown` until the first verdict, and without checks. */
export type HealthState = "unknown" | "healthy" | "unhealthy";

const WORDS = ["unknown", "healthy", "unhealthy"] as const satisfies readonly HealthState[];

/**
 * Health of one upstream's targets in memory that all threads share: the monitor's thread writes, the
 * others read. Cell 0 counts changes, so that a reader knows in one load that nothing changed.
 */
export class HealthStates {
  readonly #cells: Int32Array;
  readonly targetCount: number;

  /** `memory` holds at least `HealthStates.bytes(targetCount)` bytes, zeroed before its first use. */
  constructor(memory: SharedArrayBuffer, targetCount: number) {
    this.#cells = new Int32Array(memory, 0, targetCount + 1);
    this.targetCount = targetCount;
  }

  /** Bytes needed for so many targets. */
  static bytes(targetCount: number): number {
    return (targetCount + 1) * Int32Array.BYTES_PER_ELEMENT;
  }

  /** Grows with every change; wraps. */
  get version(): number {
    return Atomics.load(this.#cells, 0);
  }

  /** State of the target at this place in the configuration. */
  get(target: number): HealthState {
    return WORDS[Atomics.load(this.#cells, target + 1)] ?? "unknown";
  }

  set(target: number, state: HealthState): void {
    if (Atomics.exchange(this.#cells, target + 1, WORDS.indexOf(state)) !== WORDS.indexOf(state)) {
      Atomics.add(this.#cells, 0, 1);
    }
  }
}
