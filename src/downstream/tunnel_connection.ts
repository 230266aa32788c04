import type { RequestContext } from "../core/context.ts";
import type { Tunnel } from "../core/upgrade.ts";
import type { RequestHandler } from "./handler.ts";

/**
 * What is left of a client connection that has left HTTP: its tunnel, and the request that opened it, which is over
 * when the tunnel is. Tunnels are many and mostly silent, so nothing of HTTP is held on to.
 */
export class TunnelConnection {
  readonly isIdle = false;
  readonly #tunnel: Tunnel;
  readonly #context: RequestContext;
  readonly #handler: RequestHandler;

  constructor(tunnel: Tunnel, context: RequestContext, handler: RequestHandler) {
    this.#tunnel = tunnel;
    this.#context = context;
    this.#handler = handler;
  }

  /** Carries bytes until both ends are closed; whatever goes wrong, they are, and the request is over. */
  async run(): Promise<void> {
    try {
      await this.#tunnel.run();
    } finally {
      this.#tunnel.abort();
      this.#handler.finish(this.#context);
    }
  }

  /** The listener is about to end: says goodbye where the protocol has a word for it. */
  drain(): void {
    this.#tunnel.drain();
  }

  /** Cuts both ends. */
  abort(): void {
    this.#tunnel.abort();
  }
}
