import type { Clock } from "../core/ports.ts";

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** The current date in the form of HTTP (RFC 9110 §5.6.7). */
export class HttpDate {
  #coarseMs = -1;
  #second = -1;
  #text = "";

  /** The date now. The clock is asked only when `coarseMs`, the time of the last sweep, has moved. */
  now(coarseMs: number, clock: Clock): string {
    if (coarseMs !== this.#coarseMs) {
      this.#coarseMs = coarseMs;
      const second = Math.floor(clock.wallMs() / 1000);
      if (second !== this.#second) {
        this.#second = second;
        this.#text = httpDate(second);
      }
    }
    return this.#text;
  }
}

/** A Unix time in seconds as an IMF-fixdate. */
export function httpDate(second: number): string {
  const date = new Date(second * 1000);
  const two = (n: number) => String(n).padStart(2, "0");
  const day = `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]}`;
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
  return `${day} ${date.getUTCFullYear()} ${time} GMT`;
}
