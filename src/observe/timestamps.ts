const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Times of log lines. What changes once a second is kept, since many lines share it. UTC throughout. */
export class Timestamps {
  #second = NaN;
  #isoSecond = "";
  #common = "";
  #lastMs = NaN;
  #lastIso = "";

  /** RFC 3339 with milliseconds: `2026-01-31T09:05:00.042Z`. */
  iso(wallMs: number): string {
    const ms = Math.floor(wallMs);
    if (ms === this.#lastMs) return this.#lastIso;
    this.#turnTo(ms);
    this.#lastMs = ms;
    const rest = ms - this.#second * 1000;
    return this.#lastIso = this.#isoSecond + digits3(rest) + "Z";
  }

  /** Common Log Format: `31/Jan/2026:09:05:00 +0000`. */
  common(wallMs: number): string {
    this.#turnTo(Math.floor(wallMs));
    return this.#common;
  }

  #turnTo(ms: number): void {
    const second = Math.floor(ms / 1000);
    if (second === this.#second) return;
    this.#second = second;
    const iso = new Date(second * 1000).toISOString();
    this.#isoSecond = iso.slice(0, 20);
    const month = MONTHS[Number(iso.slice(5, 7)) - 1];
    this.#common = `${iso.slice(8, 10)}/${month}/${iso.slice(0, 4)}:${iso.slice(11, 19)} +0000`;
  }
}

/** Milliseconds with three decimals, never negative: `12.045`. */
export function millisText(ms: number): string {
  const micros = ms > 0 ? Math.round(ms * 1000) : 0;
  const whole = Math.floor(micros / 1000);
  return whole + "." + digits3(micros - whole * 1000);
}

function digits3(value: number): string {
  if (value > 99) return String(value);
  return value > 9 ? "0" + value : "00" + value;
}
