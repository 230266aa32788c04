import { AgentTrap } from "../guest.ts";
import { FUEL_MAX } from "./component_limits.ts";
import { FILL_EXPORT, TAKE_EXPORT } from "./reserved_exports.ts";

interface Tank {
  readonly take: (units: number) => number;
  readonly fill: (units: number) => void;
  given: number;
}

/**
 * The fuel of an instance. Each core module with code has a tank of its own, because a tank that all import would
 * cost each charge another load. The largest module, which does the work, gets the whole budget of a call; the
 * others, which adapt and initialise, share the same amount once more. So a call is bounded by twice its budget
 * at worst, and by its budget in a component of one module. Of a budget that is larger than a tank, the rest is filled
 * into the main one whenever the host charges for its work, which it does with every call of an import.
 */
export class FuelTanks {
  readonly #main: Tank[] = [];
  readonly #others: Tank[] = [];
  #given = 0;
  /** Of the main tank's budget, what it had no room for. */
  #reserve = 0;
  /** What the main tank had used when it was filled up. */
  #filled = 0;

  /** Takes up a module's tank and gives it fuel. `others` is how many tanks there will be besides the main one. */
  add(
    exports: WebAssembly.Exports,
    { main, others }: { readonly main: boolean; readonly others: number },
  ): void {
    const tank: Tank = {
      take: exports[TAKE_EXPORT] as Tank["take"],
      fill: exports[FILL_EXPORT] as Tank["fill"],
      given: main ? this.#given : Math.floor(this.#given / Math.max(1, others)),
    };
    tank.fill(tank.given);
    (main ? this.#main : this.#others).push(tank);
  }

  /** Whether there is a tank to charge. */
  get any(): boolean {
    return this.#main.length + this.#others.length > 0;
  }

  /** The budget of the next call, and of modules that are yet to come. */
  refill(units: number): void {
    const whole = Math.max(0, Math.min(FUEL_MAX, Math.floor(units)));
    this.#given = whole;
    this.#reserve = Math.max(0, Math.floor(units) - whole);
    this.#filled = 0;
    for (const tank of this.#main) {
      tank.given = whole;
      tank.fill(whole);
    }
    if (this.#others.length === 0) return;
    const share = Math.floor(whole / this.#others.length);
    for (const tank of this.#others) {
      tank.given = share;
      tank.fill(share);
    }
  }

  /** Units since the last refill, never more than were given. */
  get used(): number {
    let used = this.#filled;
    for (const tank of this.#main) used += tank.given - Math.max(0, tank.take(0));
    for (const tank of this.#others) used += tank.given - Math.max(0, tank.take(0));
    return used;
  }

  /** Whether a tank is below zero, which only a charge brings about. */
  get empty(): boolean {
    return this.#main.some((tank) => tank.take(0) < 0) || this.#others.some((tank) => tank.take(0) < 0);
  }

  /** Takes units for the host's work. */
  charge(units: number): void {
    const tank = this.#main[0] ?? this.#others[0];
    if (!tank) return;
    if (this.#reserve > 0) this.#fillUp(tank);
    if (tank.take(Math.min(1_000_000_000, Math.ceil(units))) >= 0) return;
    // From here on nothing runs, however often the host were to take.
    tank.fill(-1);
    throw new AgentTrap("fuel", "the host's work for it used up its fuel");
  }

  #fillUp(tank: Tank): void {
    const left = tank.take(0);
    // One that is below zero has run out: what trapped is not to go on.
    if (left < 0) return;
    const more = Math.min(this.#reserve, tank.given - left);
    tank.fill(left + more);
    this.#reserve -= more;
    this.#filled += more;
  }
}
