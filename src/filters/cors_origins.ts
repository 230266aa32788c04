/** Which origins a page may come from. */
export interface AllowedOrigins {
  /** Every origin is allowed, so that answers need not tell them apart. */
  readonly any: boolean;
  /** `origin` as a browser sends it. */
  allows(origin: string): boolean;
}

const ORIGIN = /^[a-z][a-z0-9+.-]*:\/\/(?:\*\.)?(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/;

/** What is wrong with an allowed origin, completing `"allowed-origins" …`; undefined when nothing is. */
export function originProblem(origin: string): string | undefined {
  if (origin === "*" || origin === "null") return undefined;
  return ORIGIN.test(normalised(origin))
    ? undefined
    : `must hold origins such as "https://app.example.com" or "https://*.example.com", found "${origin}"`;
}

/** Prepares a list of `*`, `null`, origins and origins with `*.` for any names under a host. */
export function allowedOrigins(list: readonly string[]): AllowedOrigins {
  const exact = new Set<string>();
  const wildcards: { readonly start: string; readonly end: string }[] = [];
  for (const origin of list.map(normalised)) {
    const star = origin.indexOf("://*.");
    if (star < 0) exact.add(origin);
    else wildcards.push({ start: origin.slice(0, star + 3), end: origin.slice(star + 4) });
  }
  const any = exact.has("*");
  return {
    any,
    allows(origin) {
      if (any || exact.has(origin)) return true;
      return wildcards.some(({ start, end }) => isBetween(origin, start, end));
    },
  };
}

/** Whether something that can be the first labels of a host stands between the two. */
function isBetween(origin: string, start: string, end: string): boolean {
  if (!origin.startsWith(start) || !origin.endsWith(end) || origin.length <= start.length + end.length) {
    return false;
  }
  return /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(origin.slice(start.length, -end.length));
}

/** Browsers send origins in lower case, without default port and without a path. */
function normalised(origin: string): string {
  const lower = origin.toLowerCase().replace(/\/$/, "");
  if (lower.startsWith("https://")) return lower.replace(/:443$/, "");
  return lower.startsWith("http://") ? lower.replace(/:80$/, "") : lower;
}
