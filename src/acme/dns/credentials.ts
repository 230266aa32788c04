import type { AcmePorts } from "../ports.ts";

const CREDENTIALS_BYTES_MAX = 65_536;
const TOKEN_LENGTH_MAX = 4_096;

/** Where a secret is. */
export interface CredentialsPlace {
  readonly credentialsFile?: string | undefined;
  readonly credentialsEnv?: string | undefined;
}

/** What is wrong with the name of an environment variable, completing `"name" …`. */
export function checkVariable(name: string): string | undefined {
  return /^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)
    ? undefined
    : "must be the name of an environment variable";
}

/** Reads the secret anew, so that a rotated one is used at once. Rejects with a message that does not hold it. */
export async function readToken(
  { credentialsFile, credentialsEnv }: CredentialsPlace,
  ports: Pick<AcmePorts, "files" | "env">,
): Promise<string> {
  if (credentialsFile !== undefined) {
    return tokenOf(await ports.files.readText(credentialsFile, CREDENTIALS_BYTES_MAX), credentialsFile);
  }
  const value = credentialsEnv === undefined ? undefined : ports.env(credentialsEnv);
  if (value === undefined || value === "") throw new Error(`the environment has no ${credentialsEnv}`);
  return tokenOf(value, credentialsEnv!);
}

function tokenOf(written: string, where: string): string {
  const text = written.trim();
  const token = text.startsWith("{") ? tokenInJson(text, where) : text;
  if (/^[!-~]+$/.test(token) && token.length <= TOKEN_LENGTH_MAX) return token;
  throw new Error(`${where} holds no token`);
}

function tokenInJson(text: string, where: string): string {
  let value: Readonly<Record<string, unknown>>;
  try {
    value = JSON.parse(text);
  } catch {
    // The cause would quote the secret.
    throw new Error(`${where} begins like JSON and is none`);
  }
  const token = value["token"] ?? value["api_token"] ?? value["api_key"];
  return typeof token === "string" ? token : "";
}
