/** A Sentinel in front of a raw origin: the stage of every test that looks at the wire. */

import { RawOrigin, type RawOriginOptions } from "./raw_origin.ts";
import { type ConfigWishes, eventually, freePort, proxyConfig, Sentinel, socketCount } from "./servers.ts";

/** How long a baseline of open sockets may take to settle. */
const SETTLE_MS = 5000;

/** Both processes and the port clients talk to. */
export class ProxyPair implements AsyncDisposable {
  readonly port: number;
  readonly origin: RawOrigin;
  readonly sentinel: Sentinel;

  private constructor(port: number, origin: RawOrigin, sentinel: Sentinel) {
    this.port = port;
    this.origin = origin;
    this.sentinel = sentinel;
  }

  static async start(
    wishes: Omit<ConfigWishes, "port" | "originPort"> = {},
    origin: RawOriginOptions = {},
  ): Promise<ProxyPair> {
    const port = freePort();
    const rawOrigin = new RawOrigin(origin);
    try {
      const kdl = proxyConfig({ ...wishes, port, originPort: rawOrigin.port });
      return new ProxyPair(port, rawOrigin, await Sentinel.start({ kdl, ready: port }));
    } catch (cause) {
      await rawOrigin[Symbol.asyncDispose]();
      throw cause;
    }
  }

  /** Open sockets of the proxy process, kept-alive upstream connections included. */
  get sockets(): number {
    return socketCount(this.sentinel.pid);
  }

  /** True once no more than `count` sockets are open in the proxy. */
  socketsSettle(count: number): Promise<boolean> {
    return eventually(SETTLE_MS, () => this.sockets <= count);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sentinel[Symbol.asyncDispose]();
    await this.origin[Symbol.asyncDispose]();
  }
}
