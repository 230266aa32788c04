import type { HeaderList } from "../core/headers.ts";

/** The first value of a request's cookie of that name (RFC 6265 §5.4), or undefined. */
export function cookieValue(headers: HeaderList, name: string): string | undefined {
  for (let at = headers.indexOf("cookie"); at >= 0; at = headers.indexOf("cookie", at + 1)) {
    const line = headers.valueAt(at);
    let from = line.indexOf(name);
    while (from >= 0) {
      const end = from + name.length;
      if (line[end] === "=" && (from === 0 || line[from - 1] === ";" || line[from - 1] === " ")) {
        const semicolon = line.indexOf(";", end);
        return line.slice(end + 1, semicolon < 0 ? line.length : semicolon).trim();
      }
      from = line.indexOf(name, end);
    }
  }
  return undefined;
}
