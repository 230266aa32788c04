/** Tables and short forms for the verbs about agents. */

/** Columns aligned with two spaces between them; the last one is not padded. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows];
  const widths = header.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd())
    .join("\n");
}

/** Names and values, one a line, values aligned. */
export function pairs(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${name.padEnd(width)}  ${value}`.trimEnd()).join("\n");
}

/** The first twelve digits, which are enough to tell files apart at a glance. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** `10M`, `1500`, `2.5k`: three digits at most where nothing is lost. */
export function shortCount(count: number): string {
  for (const [unit, size] of [["G", 1e9], ["M", 1e6], ["k", 1e3]] as const) {
    const value = count / size;
    if (value >= 1 && Number.isInteger(value * 10)) return `${value}${unit}`;
  }
  return String(count);
}

/** `64 MiB`, `8.1 KiB`, `512 B`. */
export function shortBytes(bytes: number): string {
  let value = bytes;
  let unit = "B";
  for (const next of ["KiB", "MiB", "GiB"]) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}

/** Words with commas, or a dash for none. */
export function listOf(words: readonly string[]): string {
  return words.length === 0 ? "-" : words.join(",");
}

// deno-lint-ignore no-control-regex -- exactly these are made visible.
const CONTROLS = /[\x00-\x1f\x7f-\x9f]/g;

/** Text of a guest's making, with its control characters made visible: a terminal must not obey them. */
export function visible(text: string): string {
  return text.replace(CONTROLS, (unit) => `\\x${unit.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
