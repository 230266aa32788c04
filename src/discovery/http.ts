import type { DiscoveryPorts, HttpAnswer, HttpRequest } from "./discovery.ts";
import { DiscoveryError } from "./discovery.ts";
import { isObject } from "./json.ts";

/** Bytes of a token's file; tokens are a few kilobytes at most. */
const TOKEN_BYTES_MAX = 65_536;
/** Bytes of an error's body that are looked at for its reason. */
const ERROR_BYTES_MAX = 16_384;

/** Sends a request and insists on status 200; the caller closes the answer. The message holds the server's reason. */
export async function openAnswer(ports: DiscoveryPorts, request: HttpRequest): Promise<HttpAnswer> {
  const answer = await ports.http(request);
  if (answer.status === 200) return answer;
  const reason = await reasonIn(answer);
  answer.close();
  const url = request.url.split("?", 1)[0]!;
  throw new StatusError(answer.status, `${request.method} ${url}: status ${answer.status}${reason}`);
}

/** As `openAnswer`, for a whole body. */
export async function readAnswer(
  ports: DiscoveryPorts,
  request: HttpRequest,
  bytesMax: number,
): Promise<{ readonly text: string; readonly answer: HttpAnswer }> {
  const answer = await openAnswer(ports, request);
  try {
    return { text: await answer.text(bytesMax), answer };
  } finally {
    answer.close();
  }
}

/** A server answered with another status than 200. */
export class StatusError extends DiscoveryError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What the body says about an error: the message of a Kubernetes or gRPC status, or its first line. */
async function reasonIn(answer: HttpAnswer): Promise<string> {
  let text: string;
  try {
    text = await answer.text(ERROR_BYTES_MAX);
  } catch {
    return "";
  }
  let message: unknown;
  try {
    const value: unknown = JSON.parse(text);
    message = isObject(value) ? value["message"] ?? value["error"] : undefined;
  } catch {
    message = text.split("\n", 1)[0];
  }
  // deno-lint-ignore no-control-regex
  const shown = typeof message === "string" ? message.replace(/[\x00-\x1f\x7f]+/g, " ").trim() : "";
  return shown === "" ? "" : `: ${shown.slice(0, 200)}`;
}

/** A token as headers carry it. Rejects when the file is missing, empty or holds what no header may. */
export async function readToken(ports: DiscoveryPorts, path: string): Promise<string> {
  const token = (await ports.files.readText(path, TOKEN_BYTES_MAX)).trim();
  if (token === "" || !/^[!-~]+$/.test(token)) throw new DiscoveryError(`${path} holds no token`);
  return token;
}
