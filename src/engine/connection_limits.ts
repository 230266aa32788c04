import { CidrSet } from "../core/cidr.ts";
import type { LimitsConfig } from "../core/limits.ts";
import type { SystemConfig } from "../core/system.ts";
import type { TlsServer } from "../core/tls.ts";
import type { ListenerSettings, TlsSettings } from "../downstream/acceptor.ts";
import type { ConnectionLimits } from "../downstream/limits.ts";
import type { ResolvedListener } from "../config/resolve.ts";

/** Time a request body may be slower than the listener's minimum rate. */
const BODY_GRACE_MS = 5000;

/** What a listener does with its connections, from its own options and the ones of the whole proxy. */
export function listenerSettings(
  listener: ResolvedListener,
  config: { readonly limits: LimitsConfig; readonly system: SystemConfig },
  server: TlsServer | null,
): ListenerSettings {
  const { system } = config;
  const trusted = [...system.trustedProxies, ...listener.trustedProxies];
  const senders = listener.proxyProtocolFrom.length > 0 ? listener.proxyProtocolFrom : trusted;
  return {
    id: listener.id,
    namespace: listener.namespace,
    // With TLS each connection says by itself what it speaks.
    protocol: listener.protocol === "https" ? "http1" : listener.protocol,
    limits: connectionLimits(listener, config.limits),
    trusted: new CidrSet(trusted),
    proxyHeaderFrom: new CidrSet(listener.proxyProtocol ? senders : []),
    tls: tlsSettings(listener, server),
  };
}

function tlsSettings({ tls }: ResolvedListener, server: TlsServer | null): TlsSettings | null {
  if (tls === undefined || server === null) return null;
  return {
    server,
    handshakeTimeoutMs: tls.handshakeTimeoutSecs * 1000,
    handshakesMax: tls.maxHandshakes,
  };
}

function connectionLimits(listener: ResolvedListener, limits: LimitsConfig): ConnectionLimits {
  return {
    head: {
      targetBytesMax: limits.maxTargetSizeBytes,
      headerBytesMax: limits.maxHeaderSizeBytes,
      headerCountMax: limits.maxHeaderCount,
      headerNameBytesMax: limits.maxHeaderNameBytes,
      headerValueBytesMax: limits.maxHeaderValueBytes,
    },
    headTimeoutMs: listener.headerTimeoutSecs * 1000,
    idleTimeoutMs: listener.keepaliveTimeoutSecs * 1000,
    requestTimeoutMs: listener.requestTimeoutSecs * 1000,
    sendTimeoutMs: listener.sendTimeoutSecs * 1000,
    bodyRateMin: listener.minBodyRateBytes,
    bodyGraceMs: BODY_GRACE_MS,
    requestsMax: listener.keepaliveMaxRequests ?? Infinity,
    streamsMax: listener.maxConcurrentStreams,
  };
}
