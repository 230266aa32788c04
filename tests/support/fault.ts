/** Ways in which an HTTP server of a test fails on demand. */

/** What happens to one request instead of its answer. */
export type Fault =
  | { readonly type: "status"; readonly status: number; readonly body: string }
  | { readonly type: "hang" }
  | { readonly type: "text"; readonly text: string }
  /** The text, and then the connection breaks. */
  | { readonly type: "cut"; readonly text: string }
  /** So many bytes of something. */
  | { readonly type: "flood"; readonly bytes: number };

/** The failing answer. */
export function faultAnswer(fault: Fault, signal: AbortSignal): Response | Promise<Response> {
  switch (fault.type) {
    case "status":
      return new Response(fault.body, { status: fault.status });
    case "hang":
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(new Response(null, { status: 500 })), { once: true });
      });
    case "text":
      return new Response(fault.text);
    case "cut":
      return new Response(
        new ReadableStream({
          start(controller) {
            controller.enqueue(new TextEncoder().encode(fault.text));
          },
          pull(controller) {
            controller.error(new Error("cut off on purpose"));
          },
        }),
      );
    case "flood": {
      let left = fault.bytes;
      const chunk = new Uint8Array(65_536).fill(0x20);
      return new Response(
        new ReadableStream({
          pull(controller) {
            controller.enqueue(chunk);
            left -= chunk.length;
            if (left <= 0) controller.close();
          },
        }),
      );
    }
  }
}

/** A server of the standard library on a port of its own. */
export function serve(handler: (request: Request) => Response | Promise<Response>): {
  readonly url: string;
  readonly close: () => Promise<void>;
} {
  const abort = new AbortController();
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    signal: abort.signal,
    onListen: () => {},
    // A stream that breaks on purpose is reported as an error of the handler.
    onError: () => new Response(null, { status: 500 }),
  }, handler);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    close: async () => {
      abort.abort();
      await server.finished;
    },
  };
}
