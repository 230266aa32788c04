/** A request as the verb `explain` takes it. */
export interface RequestArgument {
  readonly method: string;
  readonly scheme: "http" | "https";
  /** Host with port, as written. */
  readonly authority: string;
  /** Path and query byte for byte as written; `/` when the URL has none. */
  readonly target: string;
}

/**
 * Reads `METHOD URL`, or a URL alone, which means GET. The URL's path is not normalised: what is asked
 * about is what a client would send. The result is a text when something is wrong.
 */
export function parseRequestArgument(text: string): RequestArgument | string {
  const words = text.trim().split(/\s+/);
  if (words.length > 2 || words[0] === "") return `expects "METHOD URL", found "${text}"`;
  const [method, url] = words.length === 1 ? ["GET", words[0]!] : [words[0]!, words[1]!];
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(method)) return `"${method}" is no method`;
  const parts = /^(https?):\/\/([^/?#\s]+)([^#\s]*)/i.exec(url);
  if (parts === null) return `expects a URL such as "https://a.example/x", found "${url}"`;
  const [, scheme = "", authority = "", rest = ""] = parts;
  if (authority.includes("@")) return "the URL must not hold a user name or password";
  return {
    method,
    scheme: scheme.toLowerCase() === "https" ? "https" : "http",
    authority,
    target: rest.startsWith("/") ? rest : `/${rest}`,
  };
}

/** Reads `Name: value`. The result is a text when something is wrong. */
export function parseHeaderArgument(text: string): readonly [name: string, value: string] | string {
  const colon = text.indexOf(":");
  const name = text.slice(0, Math.max(colon, 0)).trim();
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name)) return `expects "Name: value", found "${text}"`;
  const value = text.slice(colon + 1).trim();
  // deno-lint-ignore no-control-regex -- exactly these must not reach a header.
  return /[\0-\x08\x0a-\x1f\x7f]/.test(value)
    ? `the value of ${name} holds control characters`
    : [name, value];
}
