/** TLS clients that people have: openssl's. */

const decoder = new TextDecoder();
const CLIENT_TIMEOUT_MS = 10_000;

/** What a client saw. */
export interface TlsVisit {
  /** Everything it printed: certificates, then what the server sent. */
  readonly output: string;
  /** What it complained of. */
  readonly complaints: string;
  /** Subject of the certificate that was shown, as openssl writes it; empty without one. */
  readonly subject: string;
  /** Status of the answer to its request; 0 without one. */
  readonly status: number;
  /** `New` or `Reused`; empty without a handshake. */
  readonly session: string;
}

/** A request that ends its connection. */
export const REQUEST = "GET / HTTP/1.1\r\nHost: www.example\r\nConnection: close\r\n\r\n";

/** Visits with `openssl s_client` and these arguments, sends a request, and reads to the end. */
export async function visit(
  port: number,
  args: readonly string[] = [],
  request = REQUEST,
): Promise<TlsVisit> {
  const child = new Deno.Command("openssl", {
    args: ["s_client", "-ign_eof", "-connect", `127.0.0.1:${port}`, ...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), CLIENT_TIMEOUT_MS);
  const writer = child.stdin.getWriter();
  // It may be gone before it has taken the request: a refused handshake is an outcome.
  const sending = writer.write(new TextEncoder().encode(request)).catch(() => {});
  const { stdout, stderr } = await child.output();
  clearTimeout(timer);
  await sending;
  await writer.close().catch(() => {});
  const output = decoder.decode(stdout);
  return {
    output,
    complaints: decoder.decode(stderr),
    subject: /^subject=(.*)$/m.exec(output)?.[1] ?? "",
    status: Number(/HTTP\/1\.1 (\d{3}) /.exec(output)?.[1] ?? 0),
    session: /^(New|Reused), TLS/m.exec(output)?.[1] ?? "",
  };
}

/** Number of the alert that a refused client got (RFC 8446 §6); 0 when it got none. */
export function alertOf({ complaints }: TlsVisit): number {
  return Number(/SSL alert number (\d+)/.exec(complaints)?.[1] ?? 0);
}
