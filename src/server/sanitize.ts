/** What stands in place of a secret. */
export const REDACTED = "[redacted]";

/** Words in the names of headers and options whose values are secrets. */
const SECRET_WORDS = [
  "authorization",
  "cookie",
  "password",
  "passwd",
  "secret",
  "token",
  "api-key",
  "apikey",
  "credential",
  "hmac",
];

/** A copy of plain data in which the values of secret names are replaced: for eyes, not for use. */
export function sanitize(value: unknown): unknown {
  if (Array.isArray(value)) {
    const [name, text] = value as unknown[];
    if (value.length === 2 && typeof name === "string" && typeof text === "string" && isSecret(name)) {
      return [name, REDACTED];
    }
    return value.map(sanitize);
  }
  if (typeof value === "string") return withoutUserInfo(value);
  if (typeof value !== "object" || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    copy[name] = typeof member === "string" && isSecret(name) ? REDACTED : sanitize(member);
  }
  // Matchers and edits say `{ name: "Authorization", value: "…" }`.
  if (typeof copy["name"] === "string" && isSecret(copy["name"]) && typeof copy["value"] === "string") {
    copy["value"] = REDACTED;
  }
  return copy;
}

function isSecret(name: string): boolean {
  const plain = name.toLowerCase().replaceAll("_", "-").replace("apikey", "api-key");
  return SECRET_WORDS.some((word) => plain.includes(word));
}

/** `scheme://user:password@host` → `scheme://[redacted]@host`. */
function withoutUserInfo(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#\s]*@/i, `$1${REDACTED}@`);
}
