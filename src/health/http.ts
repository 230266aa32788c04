import type { Socket } from "../core/ports.ts";
import type { HealthCheckKind, Probe } from "./check.ts";

/** Bytes of a status line; what is longer is no answer. */
const STATUS_LINE_BYTES_MAX = 1024;
const LF = 0x0a;

/** Well is who answers a GET with an expected status. Only the status line is read. */
export const httpCheck: HealthCheckKind<"http"> = {
  type: "http",
  summary: "The target answers a GET with an expected status.",
  async examine(socket, probe) {
    await writeAll(socket, requestOf(probe));
    const line = await readLine(socket);
    const match = /^HTTP\/1\.[01] ([1-5][0-9]{2})(?: |$)/.exec(line);
    if (match === null) throw new Error("the answer is not HTTP/1");
    const status = Number(match[1]);
    const { expectedStatus } = probe.options;
    if (!expectedStatus.some(([from, to]) => status >= from && status <= to)) {
      throw new Error(`status ${status}`);
    }
  },
};

function requestOf({ address, options }: Probe): Uint8Array {
  const host = options.host ?? (address.startsWith("unix:") ? "localhost" : address);
  return new TextEncoder().encode(
    `GET ${options.path} HTTP/1.1\r\nHost: ${host}\r\nUser-Agent: Sentinel-HealthCheck\r\nAccept: */*\r\n` +
      "Connection: close\r\n\r\n",
  );
}

async function writeAll(socket: Socket, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
}

/** The first line, without its line end. */
async function readLine(socket: Socket): Promise<string> {
  const bytes = new Uint8Array(STATUS_LINE_BYTES_MAX);
  let end = 0;
  while (end < bytes.length) {
    const count = await socket.read(bytes.subarray(end));
    if (count === 0) throw new Error("the connection closed without an answer");
    const newline = bytes.subarray(0, end + count).indexOf(LF, end);
    end += count;
    if (newline >= 0) return new TextDecoder().decode(bytes.subarray(0, newline)).trimEnd();
  }
  throw new Error("the status line is too long");
}
