/** Suffixes of sizes: powers of 1024, as the language has always meant them. */
const BYTE_UNITS: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1024,
  kb: 1024,
  kib: 1024,
  m: 1024 ** 2,
  mb: 1024 ** 2,
  mib: 1024 ** 2,
  g: 1024 ** 3,
  gb: 1024 ** 3,
  gib: 1024 ** 3,
};

const DURATION_UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  sec: 1000,
  secs: 1000,
  second: 1000,
  seconds: 1000,
  m: 60_000,
  min: 60_000,
  mins: 60_000,
  minute: 60_000,
  minutes: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
  hours: 3_600_000,
  d: 86_400_000,
  day: 86_400_000,
  days: 86_400_000,
};

/** Reads `10MB`, `1.5 KiB` or `4096`; whole bytes, or undefined when it is no size. */
export function parseBytes(text: string): number | undefined {
  const amount = splitUnit(text);
  if (amount === undefined) return undefined;
  const factor = unitFactor(BYTE_UNITS, amount.unit);
  const bytes = factor === undefined ? NaN : Math.round(amount.number * factor);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Reads `500ms`, `30s`, `1.5h`, `2 days`; milliseconds, or undefined when it is no duration with a unit. */
export function parseDurationMs(text: string): number | undefined {
  const amount = splitUnit(text);
  if (amount === undefined || amount.unit === "") return undefined;
  const factor = unitFactor(DURATION_UNITS_MS, amount.unit);
  return factor === undefined ? undefined : amount.number * factor;
}

function unitFactor(units: Readonly<Record<string, number>>, unit: string): number | undefined {
  return Object.hasOwn(units, unit) ? units[unit] : undefined;
}

function splitUnit(text: string): { number: number; unit: string } | undefined {
  const match = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*([a-z]{0,8})\s*$/i.exec(text);
  if (match === null) return undefined;
  return { number: Number(match[1]), unit: match[2]!.toLowerCase() };
}
