import type { UpstreamTls } from "../upstream/live_upstream.ts";
import type { UpstreamConfig } from "../upstream/upstream.ts";

/** Reads the certificates that upstreams name. Rejects with the upstream, the option and the path. */
export async function readUpstreamTls(
  upstreams: readonly UpstreamConfig[],
  readText: (path: string) => Promise<string>,
): Promise<Map<string, UpstreamTls>> {
  const found = new Map<string, UpstreamTls>();
  for (const { id, tls } of upstreams) {
    if (tls === undefined) continue;
    const read = async (option: string, path: string): Promise<string> => {
      try {
        return await readText(path);
      } catch (cause) {
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new Error(`Cannot read ${option} of upstream "${id}": ${path}: ${reason}`);
      }
    };
    const caCerts = tls.caCert === undefined ? [] : [await read("ca-cert", tls.caCert)];
    const clientCert = tls.clientCert === undefined || tls.clientKey === undefined ? {} : {
      clientCert: {
        cert: await read("client-cert", tls.clientCert),
        key: await read("client-key", tls.clientKey),
      },
    };
    found.set(id, { ...(tls.sni === undefined ? {} : { serverName: tls.sni }), caCerts, ...clientCert });
  }
  return found;
}
