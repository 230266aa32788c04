import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { MaybePromise } from "../core/message.ts";
import type { HeaderList } from "../core/headers.ts";
import type { Tunnel, TunnelSide, UpgradePlan } from "../core/upgrade.ts";
import { clientNetwork } from "../counters/client_network.ts";
import type { SharedGauges } from "../counters/shared_gauges.ts";
import type { SharedTotals } from "../counters/shared_totals.ts";
import type { WebSocketMeter } from "../observe/tunnel_meters.ts";
import type { DirectionHost } from "../tunnel/direction.ts";
import { DuplexTunnel, type TunnelEvents, type TunnelSummary } from "../tunnel/duplex_tunnel.ts";
import { FrameScanner, type ScanRules } from "../tunnel/frame_scanner.ts";
import { checkAnswer, checkRequest } from "../tunnel/handshake.ts";
import { FrameWriter } from "../tunnel/frame_writer.ts";
import { Inspected } from "../tunnel/inspected.ts";
import type { MessageJudge, PassingMessage, Ruling } from "../tunnel/message.ts";
import { MessageReader } from "../tunnel/message_reader.ts";
import { MessageRate } from "../tunnel/message_rate.ts";
import { Splice } from "../tunnel/splice.ts";
import type { WebSocketOptions } from "../tunnel/websocket_options.ts";
import type { Chain } from "./chain.ts";
import type { GrantedProtocol, TunnelDeps } from "./route_upgrades.ts";

/** Leading bits of an IPv6 address that make one client: what one subscriber holds. */
const CLIENT_IPV6_BITS = 64;

/** Bound of one inspected message where the route sets none: 1 MB. */
const INSPECTED_BYTES_MAX = 1_048_576;

/** What a route does with WebSockets. */
export interface WebSockets {
  readonly routeId: string;
  readonly options: WebSocketOptions;
  readonly meter: WebSocketMeter;
  /** Counts the open ones; undefined without a bound. */
  readonly totals: SharedTotals | undefined;
  /** Counts those of each client; undefined without a bound. */
  readonly clients: SharedGauges | undefined;
  /** The filters of the route that look at messages; undefined without inspection. */
  readonly chain: Chain | undefined;
  readonly deps: TunnelDeps;
}

/** WebSocket, as a route grants it. */
export function webSocketProtocol(route: WebSockets): GrantedProtocol {
  const { maxMessageSize, maxMessagesPerSecond } = route.options;
  const isStrict = maxMessageSize !== undefined || maxMessagesPerSecond !== undefined;
  const rules: ScanRules = { messageBytesMax: maxMessageSize ?? Infinity, rate: null, isStrict };
  return { name: "websocket", plan: (context) => new WebSocketPlan(context, route, rules) };
}

class WebSocketPlan implements UpgradePlan, TunnelEvents, MessageJudge {
  readonly protocol = "websocket";
  readonly inspects: boolean;
  readonly #context: RequestContext;
  readonly #route: WebSockets;
  /** What is watched for in frames that pass unseen, but for their rate. */
  readonly #rules: ScanRules;
  #hasPlace = false;
  #clientKey: string | undefined;

  constructor(context: RequestContext, route: WebSockets, rules: ScanRules) {
    this.#context = context;
    this.#route = route;
    this.#rules = rules;
    this.inspects = route.chain !== undefined;
  }

  admit(): void {
    const context = this.#context;
    const { options, deps } = this.#route;
    checkRequest(context);
    // What is compressed could not be looked at; without an offer no server may compress (RFC 7692 §5).
    if (this.inspects) context.head.headers.remove("sec-websocket-extensions");
    this.#takePlace();
    if (options.handshakeTimeoutSecs !== undefined) {
      const dueMs = deps.clock.nowMs() + options.handshakeTimeoutSecs * 1000;
      context.deadlineMs = Math.min(context.deadlineMs, dueMs);
    }
  }

  checkAnswer(protocol: string, headers: HeaderList): void {
    if (protocol.toLowerCase() !== "websocket") {
      throw new ProxyError("upstream_protocol", "the upstream switched to another protocol than WebSocket");
    }
    checkAnswer(this.#context.head.headers, headers);
  }

  open(client: TunnelSide, upstream: TunnelSide): Tunnel {
    const { meter, options, deps } = this.#route;
    meter.opened();
    this.#context.deadlineMs = Infinity;
    this.#context.upgrade!.isOpen = true;
    return new DuplexTunnel({ client, upstream }, {
      idleMs: options.idleTimeoutSecs * 1000,
      hasFrames: this.#hasFrames,
      directions: (host) => {
        return this.inspects
          ? this.#inspected(host, client, upstream)
          : this.#splices(host, client, upstream);
      },
    }, { deadlines: deps.deadlines, events: this });
  }

  ended(end: TunnelSummary): void {
    const context = this.#context;
    const { closed, cause, bytesFromClient, bytesFromUpstream } = end;
    this.#route.meter.closed({
      code: closed?.code,
      by: closed?.by ?? "none",
      bytesFromClient,
      bytesFromUpstream,
    });
    context.upgrade!.closed = closed;
    context.bodyBytesReceived = bytesFromClient;
    context.bodyBytesSent = bytesFromUpstream;
    const fields = context.logFields ??= {};
    if (closed !== undefined) {
      fields["websocket_close_code"] = closed.code;
      fields["websocket_closed_by"] = closed.by;
      if (closed.reason !== "") fields["websocket_close_reason"] = closed.reason;
    }
    if (this.#hasFrames) {
      fields["websocket_messages_received"] = end.messagesFromClient;
      fields["websocket_messages_sent"] = end.messagesFromUpstream;
    }
    if (cause === undefined) return;
    if (cause.startsWith("websocket_")) context.reason ??= cause;
    else fields["tunnel_end"] = cause;
  }

  judge(message: PassingMessage): MaybePromise<Ruling> {
    return this.#route.chain!.message(this.#context, message);
  }

  end(): void {
    if (this.#hasPlace) this.#route.totals!.release(0);
    if (this.#clientKey !== undefined) this.#route.clients!.release(this.#clientKey);
    this.#hasPlace = false;
    this.#clientKey = undefined;
  }

  get #hasFrames(): boolean {
    return this.#route.options.observeFrames || this.#rules.isStrict || this.inspects;
  }

  #takePlace(): void {
    const { totals, clients, options, routeId } = this.#route;
    if (totals !== undefined) {
      if (!totals.tryAcquire(0, options.maxConnections!)) {
        throw new ProxyError("tunnels_overloaded", `more than ${options.maxConnections} WebSockets are open`);
      }
      this.#hasPlace = true;
    }
    const { clientIp } = this.#context;
    if (clients === undefined || clientIp === "") return;
    const key = `${routeId} ${clientNetwork(clientIp, CLIENT_IPV6_BITS)}`;
    const acquired = clients.acquire(key, options.maxConnectionsPerIp!);
    if (acquired === "full") {
      throw new ProxyError("tunnels_overloaded", "too many clients have WebSockets open");
    }
    if (acquired === "limit") {
      const message = `more than ${options.maxConnectionsPerIp} WebSockets of ${clientIp} are open`;
      throw new ProxyError("client_tunnels_overloaded", message);
    }
    this.#clientKey = key;
  }

  #rate(): MessageRate | null {
    const { options: { maxMessagesPerSecond: perSecond, messageBurst }, deps } = this.#route;
    return perSecond === undefined ? null : new MessageRate(perSecond, messageBurst ?? perSecond, deps.clock);
  }

  #inspected(
    host: DirectionHost,
    client: TunnelSide,
    upstream: TunnelSide,
  ): readonly [Inspected, Inspected] {
    const { meter, options, deps: { held, random, clock } } = this.#route;
    const messageBytesMax = options.maxMessageSize ?? INSPECTED_BYTES_MAX;
    const rules = { messageBytesMax, held };
    const fromClient = new MessageReader(
      client,
      { ...rules, isClient: true, rate: this.#rate() },
      meter.fromClient,
    );
    const fromUpstream = new MessageReader(
      upstream,
      { ...rules, isClient: false, rate: null },
      meter.fromUpstream,
    );
    const toUpstream = new FrameWriter(upstream.socket, () => random.u32(), upstream.writable);
    const toClient = new FrameWriter(client.socket, () => undefined, client.writable);
    const common = { host, judge: this, meter, clock };
    return [
      new Inspected({ ...common, isFromClient: true, reader: fromClient, forth: toUpstream, back: toClient }),
      new Inspected({
        ...common,
        isFromClient: false,
        reader: fromUpstream,
        forth: toClient,
        back: toUpstream,
      }),
    ];
  }

  #splices(host: DirectionHost, client: TunnelSide, upstream: TunnelSide): readonly [Splice, Splice] {
    const { meter, deps: { buffers, random } } = this.#route;
    const rate = this.#rate();
    const rules = this.#rules;
    const fromClient = rate === null ? rules : { ...rules, rate };
    const toUpstream = this.#hasFrames ? new FrameScanner(fromClient, meter.fromClient) : null;
    const toClient = this.#hasFrames ? new FrameScanner(rules, meter.fromUpstream) : null;
    return [
      new Splice({
        host,
        from: client,
        to: upstream,
        buffers,
        scanner: toUpstream,
        masks: random,
      }),
      new Splice({ host, from: upstream, to: client, buffers, scanner: toClient, masks: null }),
    ];
  }
}
