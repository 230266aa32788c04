const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"] as const;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** An HTTP date (RFC 9110 §5.6.7), computed once per second. */
export class HttpDate {
  #second = -1;
  #text = "";

  /** `wallMs` as an IMF-fixdate. */
  format(wallMs: number): string {
    const second = Math.floor(wallMs / 1000);
    if (second !== this.#second) {
      this.#second = second;
      const date = new Date(second * 1000);
      const two = (n: number) => String(n).padStart(2, "0");
      this.#text = `${DAYS[date.getUTCDay()]}, ${two(date.getUTCDate())} ${MONTHS[date.getUTCMonth()]} ` +
        `${date.getUTCFullYear()} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${
          two(date.getUTCSeconds())
        } GMT`;
    }
    return this.#text;
  }
}
