import { parseObject } from "../json.ts";
import type { JsonObject } from "../json.ts";
import type { AcmePorts } from "../ports.ts";

const ANSWER_BYTES_MAX = 1_048_576;
const DETAIL_LENGTH_MAX = 300;

/** One JSON API with its way to say who asks. */
export interface ApiInit {
  readonly baseUrl: string;
  readonly timeoutMs: number;
  readonly http: AcmePorts["http"];
  /** Headers with the credentials, read anew for every request. */
  headers(): Promise<readonly (readonly [string, string])[]>;
}

/** Requests with JSON in and out. */
export class JsonApi {
  readonly #init: ApiInit;

  constructor(init: ApiInit) {
    this.#init = init;
  }

  /** Resolves with the answer's object, empty when the answer is. Rejects for statuses other than 2xx. */
  async call(
    method: "GET" | "POST" | "DELETE",
    path: string,
    { body, signal }: { readonly body?: unknown; readonly signal: AbortSignal },
  ): Promise<JsonObject> {
    const { baseUrl, timeoutMs, http } = this.#init;
    const json = body === undefined ? undefined : JSON.stringify(body);
    const headers: (readonly [string, string])[] = [
      ["accept", "application/json"],
      ...await this.#init.headers(),
    ];
    if (json !== undefined) headers.push(["content-type", "application/json"]);
    const url = `${baseUrl.replace(/\/+$/, "")}${path}`;
    const answer = await http({
      method,
      url,
      headers,
      body: json,
      headTimeoutMs: timeoutMs,
      idleTimeoutMs: timeoutMs,
      signal,
    });
    try {
      const text = await answer.text(ANSWER_BYTES_MAX);
      if (answer.status < 200 || answer.status > 299) {
        const said = visible(text);
        throw new Error(
          `${method} ${url.split("?", 1)[0]} answers ${answer.status}${said === "" ? "" : `: ${said}`}`,
        );
      }
      return text.trim() === "" ? {} : parseObject(text, `the answer of ${url.split("?", 1)[0]}`);
    } finally {
      answer.close();
    }
  }
}

function visible(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.slice(0, DETAIL_LENGTH_MAX).replace(/[\x00-\x1f\x7f]+/g, " ").trim();
}

/** The name itself and every name above it, down to two labels, longest first: one of them is the zone. */
export function zoneCandidates(name: string): string[] {
  const labels = name.split(".");
  const names = labels.map((_, index) => labels.slice(index).join("."));
  return labels.length < 2 ? names : names.slice(0, -1);
}

/** Runs `look` on the candidates until one gives something; rejects when none does. */
export async function findZone<T>(name: string, look: (zone: string) => Promise<T | undefined>): Promise<T> {
  for (const zone of zoneCandidates(name)) {
    const found = await look(zone);
    if (found !== undefined) return found;
  }
  throw new Error(`no zone of this account holds ${name}`);
}

/** A signal for cleaning up, which goes on when the order was given up. */
export function unhurried(): AbortSignal {
  return new AbortController().signal;
}
