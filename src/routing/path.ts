import ipaddr from "ipaddr.js";

const PERCENT = 0x25;
const DOT = 0x2e;
const SLASH = 0x2f;
const BACKSLASH = 0x5c;

/**
 * The path that routes are matched on, from the raw path of a request target (no query). Forwarding still
 * uses the raw target.
 *
 * Escapes of unreserved characters are decoded, other escapes get upper-case digits (RFC 3986 §6.2.2), and dot
 * segments are removed (§5.2.4) and empty ones merged, so `/x/../admin`, `/%61dmin` and `//admin` match what
 * `/admin` matches. Undefined, which means 400, for what servers read in different ways: bad escapes, `%00`,
 * `..` next to an encoded slash, an empty segment, a backslash or path parameters (`..;`), a path that climbs
 * above the root, and anything but `*` that does not begin with a slash.
 */
export function matchingPath(path: string): string | undefined {
  if (path.charCodeAt(0) !== SLASH) return path === "*" ? path : undefined;
  let previous = SLASH;
  for (let i = 1; i < path.length; i++) {
    const c = path.charCodeAt(i);
    if (c === PERCENT || c === BACKSLASH) return normalisePath(path);
    if (previous === SLASH && (c === DOT || c === SLASH)) return normalisePath(path);
    previous = c;
  }
  return path;
}

function normalisePath(path: string): string | undefined {
  const decoded = path.includes("%") ? decodeUnreserved(path) : path;
  return decoded === undefined ? undefined : removeDotSegments(decoded);
}

function decodeUnreserved(path: string): string | undefined {
  let out = "";
  let copied = 0;
  for (let at = path.indexOf("%"); at >= 0; at = path.indexOf("%", at + 3)) {
    const high = hexDigit(path.charCodeAt(at + 1));
    const low = hexDigit(path.charCodeAt(at + 2));
    if (high < 0 || low < 0) return undefined;
    const code = high * 16 + low;
    if (code === 0) return undefined;
    out += path.slice(copied, at);
    out += isUnreserved(code) ? String.fromCharCode(code) : path.slice(at, at + 3).toUpperCase();
    copied = at + 3;
  }
  return out + path.slice(copied);
}

/** The value of a hexadecimal digit given as a code unit, or -1. */
export function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

/** `ALPHA / DIGIT / "-" / "." / "_" / "~"` (RFC 3986 §2.3). */
function isUnreserved(code: number): boolean {
  const lower = code | 0x20;
  return (lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) ||
    code === 0x2d || code === DOT || code === 0x5f || code === 0x7e;
}

function removeDotSegments(path: string): string | undefined {
  const segments = path.split("/");
  const kept: string[] = [];
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i]!;
    const last = i === segments.length - 1;
    if (segment === "" && !last) {
      // Servers that merge slashes and servers that do not disagree about what `//..` leaves.
      if (segments[i + 1] === "..") return undefined;
    } else if (segment === "." || segment === "..") {
      if (segment === ".." && kept.length === 0) return undefined;
      if (segment === "..") kept.pop();
      if (last) kept.push("");
    } else if (hidesTraversal(segment)) {
      return undefined;
    } else {
      kept.push(segment);
    }
  }
  return `/${kept.join("/")}`;
}

/** Whether some server would read `..` in this segment: beside `%2F`, `%5C` or `\`, or with `;` parameters. */
function hidesTraversal(segment: string): boolean {
  if (!segment.includes("..")) return false;
  for (
    const piece of segment.replaceAll("%2F", "/").replaceAll("%5C", "/").replaceAll("\\", "/").split("/")
  ) {
    if (piece === ".." || piece.startsWith("..;")) return true;
  }
  return false;
}

/**
 * The form under which hosts are compared: IPv6 literals in their canonical text (RFC 5952), names without the
 * trailing dot. `host` is in lower case and without port, as `http1/authority.ts` gives it.
 */
export function hostKey(host: string): string {
  if (host.charCodeAt(0) === 0x5b) {
    const address = host.slice(1, -1);
    return ipaddr.IPv6.isValid(address) ? `[${ipaddr.IPv6.parse(address).toRFC5952String()}]` : host;
  }
  return host.length > 1 && host.charCodeAt(host.length - 1) === DOT ? host.slice(0, -1) : host;
}
