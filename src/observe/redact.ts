/** Query parameters that carry secrets by convention, in lower case. */
export const SECRET_QUERY_PARAMS: readonly string[] = Object.freeze([
  "access_token",
  "api_key",
  "apikey",
  "auth",
  "authorization",
  "client_secret",
  "code",
  "id_token",
  "jwt",
  "key",
  "pass",
  "passwd",
  "password",
  "refresh_token",
  "secret",
  "session",
  "sessionid",
  "sig",
  "signature",
  "token",
]);

/** Headers that carry secrets, in lower case. */
export const SECRET_HEADERS: readonly string[] = Object.freeze([
  "authorization",
  "cookie",
  "proxy-authorization",
  "set-cookie",
  "x-api-key",
  "x-auth-token",
  "x-csrf-token",
  "x-internal-token",
]);

/** What stands in a log instead of a secret. */
export const REDACTED = "[redacted]";

const AMPERSAND = 0x26;
const SEMICOLON = 0x3b;

/** Takes secrets out of what is about to be logged. Names are compared without regard to case. */
export class Redactor {
  readonly #params: ReadonlySet<string>;
  readonly #headers: ReadonlySet<string>;

  constructor(
    names: { readonly headers?: readonly string[]; readonly queryParams?: readonly string[] } = {},
  ) {
    this.#params = lowerCaseSet(names.queryParams ?? SECRET_QUERY_PARAMS);
    this.#headers = lowerCaseSet(names.headers ?? SECRET_HEADERS);
  }

  /** Whether the header (lower-case name) holds a secret. */
  hidesHeader(key: string): boolean {
    return this.#headers.has(key);
  }

  /** A header's value, or what stands for it. */
  header(key: string, value: string): string {
    return this.#headers.has(key) ? REDACTED : value;
  }

  /** A raw query with the values of secret parameters replaced; names and order stay. */
  query(query: string): string {
    let safe = "";
    let copied = 0;
    let start = 0;
    while (start < query.length) {
      const end = parameterEnd(query, start);
      const equals = query.indexOf("=", start);
      if (equals < 0) break;
      if (equals < end && equals + 1 < end && this.#params.has(parameterName(query.slice(start, equals)))) {
        safe += query.slice(copied, equals + 1) + REDACTED;
        copied = end;
      }
      start = end + 1;
    }
    return copied === 0 ? query : safe + query.slice(copied);
  }

  /** As `query`, for a whole URL such as the Referer; user information and fragment are left out. */
  url(url: string): string {
    const hash = url.indexOf("#");
    const bare = withoutUserInfo(hash < 0 ? url : url.slice(0, hash));
    const mark = bare.indexOf("?");
    return mark < 0 ? bare : bare.slice(0, mark + 1) + this.query(bare.slice(mark + 1));
  }
}

function lowerCaseSet(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map((name) => name.toLowerCase()));
}

// Some servers split at semicolons too, and hiding a little more than needed is the safe side.
function parameterEnd(query: string, start: number): number {
  for (let i = start; i < query.length; i++) {
    const unit = query.charCodeAt(i);
    if (unit === AMPERSAND || unit === SEMICOLON) return i;
  }
  return query.length;
}

// A server decodes names before it looks at them, so `%74oken` is `token` here as well.
function parameterName(raw: string): string {
  const lower = raw.toLowerCase();
  if (!lower.includes("%")) return lower;
  return lower.replace(/%([0-9a-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))).toLowerCase();
}

function withoutUserInfo(url: string): string {
  const scheme = url.indexOf("://");
  if (scheme < 0) return url;
  const host = scheme + 3;
  const slash = url.slice(host).search(/[/?]/);
  const authorityEnd = slash < 0 ? url.length : host + slash;
  const at = url.lastIndexOf("@", authorityEnd - 1);
  return at < host ? url : url.slice(0, host) + url.slice(at + 1);
}
