/** A stage for tests of options: one Sentinel with one configuration, and an origin that tells what it got. */

import { SentinelProcess } from "./process.ts";
import { exchange, type Peer, type RawResponse, textOf } from "./raw_client.ts";
import { okResponse, RawOrigin, type RecordedRequest, type Script } from "./raw_origin.ts";
import { freePort } from "./servers.ts";

const ANSWER_TIMEOUT_MS = 8000;

/** A request in few words; everything else is ordinary. */
export interface Wish {
  readonly method?: string;
  readonly host?: string;
  /** Header lines. */
  readonly headers?: readonly string[];
  readonly body?: string;
  readonly timeoutMs?: number;
}

/** The request on the wire, on a connection of its own. */
export function requestText(target: string, wish: Wish = {}): string {
  const { method = "GET", host = "example.test", headers = [], body } = wish;
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`];
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...length, ...headers];
  return `${lines.join("\r\n")}\r\n\r\n${body ?? ""}`;
}

/** Sends a request on a new connection; the one answer. Throws when there is none, or more than one. */
export async function ask(peer: Peer, target: string, wish: Wish = {}): Promise<RawResponse> {
  const headOnly = wish.method === "HEAD";
  const timeoutMs = wish.timeoutMs ?? ANSWER_TIMEOUT_MS;
  const { responses, end } = await exchange(peer, requestText(target, wish), { timeoutMs, headOnly });
  const [response] = responses;
  if (response === undefined || responses.length > 1) {
    throw new Error(`${responses.length} answers to ${target}, connection ${end}`);
  }
  return response;
}

/** Body of a response as text. */
export function bodyOf(response: RawResponse): string {
  return textOf(response.body);
}

/** First value of a header as the origin received it. */
export function receivedHeader(request: RecordedRequest | undefined, name: string): string | undefined {
  return request?.headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
}

/** All values of a response's header. */
export function headersOf(response: RawResponse, name: string): string[] {
  return response.headers.filter(([key]) => key.toLowerCase() === name.toLowerCase()).map(([, value]) =>
    value
  );
}

/** An origin that answers its name, never answers under `/hang`, and breaks off under `/broken`. */
export function namedOrigin(name: string, scripts: Readonly<Record<string, Script>> = {}): RawOrigin {
  return new RawOrigin({
    script: async (connection, request) => {
      const script = Object.entries(scripts).find(([prefix]) => request.target.startsWith(prefix))?.[1];
      if (script !== undefined) return await script(connection, request);
      if (request.target.startsWith("/hang")) return await connection.gone;
      if (request.target.startsWith("/broken")) {
        await connection.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        return connection.abort();
      }
      await connection.send(okResponse(name, ["X-Origin: yes", "X-Origin: twice", "Server: origin"]));
    },
  });
}

/** What a configuration is written from. */
export interface Place {
  readonly folder: string;
  /** A free port for each name that is asked for; the same one for the same name. */
  port(name: string): number;
}

/** A Sentinel with a configuration of its own and as many ports as that names. */
export class OptionStage implements AsyncDisposable {
  readonly folder: string;
  readonly process: SentinelProcess;
  readonly #ports: ReadonlyMap<string, number>;

  private constructor(folder: string, process: SentinelProcess, ports: ReadonlyMap<string, number>) {
    this.folder = folder;
    this.process = process;
    this.#ports = ports;
  }

  /** Writes the file (`name` decides about its language) and resolves once it is served. */
  static async start(config: (place: Place) => string, name = "sentinel.kdl"): Promise<OptionStage> {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-options-" });
    const ports = new Map<string, number>();
    const port = (key: string) => {
      const known = ports.get(key);
      if (known !== undefined) return known;
      const found = freePort();
      ports.set(key, found);
      return found;
    };
    const path = `${folder}/${name}`;
    await Deno.writeTextFile(path, config({ folder, port }));
    const process = new SentinelProcess({ args: ["run", "--config", path] });
    try {
      await process.said(/serving/);
    } catch (cause) {
      await process[Symbol.asyncDispose]();
      await Deno.remove(folder, { recursive: true });
      throw cause;
    }
    return new OptionStage(folder, process, ports);
  }

  port(name: string): number {
    const port = this.#ports.get(name);
    if (port === undefined) throw new Error(`The configuration has no port "${name}"`);
    return port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process[Symbol.asyncDispose]();
    await Deno.remove(this.folder, { recursive: true });
  }
}
