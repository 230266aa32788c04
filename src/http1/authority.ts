/** Characters of a registered name (RFC 3986 §3.2.2), without percent escapes, plus `_`, which people use. */
const NAME = /^[a-z0-9._~!$&'()*+;=-]+$/;

/**
 * The host of an authority in lower case, without port and trailing dot; undefined when it is no
 * `host[:port]`. User info is refused: it has no place in a Host header (RFC 9110 §4.2.4), and
 * parsers disagree about where it ends.
 */
export function parseAuthority(authority: string): string | undefined {
  const lower = authority.toLowerCase();
  let hostEnd = lower.length;
  if (lower.charCodeAt(0) === 0x5b) {
    const bracket = lower.indexOf("]");
    if (bracket < 0 || !/^\[[0-9a-f:.]+(?:%25[a-z0-9._~-]+)?\]$/.test(lower.slice(0, bracket + 1))) {
      return undefined;
    }
    hostEnd = bracket + 1;
    if (hostEnd < lower.length && !isPort(lower, hostEnd)) return undefined;
    return lower.slice(0, hostEnd);
  }
  const colon = lower.indexOf(":");
  if (colon >= 0) {
    if (!isPort(lower, colon)) return undefined;
    hostEnd = colon;
  }
  if (lower.charCodeAt(hostEnd - 1) === 0x2e) hostEnd--;
  const host = lower.slice(0, hostEnd);
  return isName(host) ? host : undefined;
}

/** Letters, digits, dots and hyphens need no regular expression. */
function isName(host: string): boolean {
  if (host.length === 0 || host.length > 255) return false;
  for (let i = 0; i < host.length; i++) {
    const c = host.charCodeAt(i);
    if ((c >= 0x61 && c <= 0x7a) || (c >= 0x30 && c <= 0x39) || c === 0x2e || c === 0x2d) continue;
    return NAME.test(host);
  }
  return true;
}

/** Whether `text` from `colon` on is `:` and a port, or `:` alone (RFC 3986 allows an empty port). */
function isPort(text: string, colon: number): boolean {
  if (text.charCodeAt(colon) !== 0x3a || text.length - colon > 6) return false;
  let port = 0;
  for (let i = colon + 1; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= 65535;
}
