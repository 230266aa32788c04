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
    const caCerts = tls.caCert === undefined ? [] : certificates(await read("ca-cert", tls.caCert));
    if (tls.caCert !== undefined && caCerts.length === 0) {
      throw new Error(`Cannot use ca-cert of upstream "${id}": ${tls.caCert} holds no PEM certificate`);
    }
    const clientCert = tls.clientCert === undefined || tls.clientKey === undefined ? {} : {
      clientCert: {
        cert: await read("client-cert", tls.clientCert),
        key: await read("client-key", tls.clientKey),
      },
    };
    const skipVerify = tls.insecureSkipVerify || !tls.verify;
    found.set(id, {
      ...(tls.sni === undefined ? {} : { serverName: tls.sni }),
      caCerts,
      ...clientCert,
      skipVerify,
    });
  }
  return found;
}

/** The certificates of a PEM bundle, each by itself: TLS libraries differ in how many of one text they read. */
function certificates(bundle: string): string[] {
  return bundle.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
}
