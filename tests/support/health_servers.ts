import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

/** A gRPC server of Node's HTTP/2 that has the health service and nothing else. */
export class GrpcHealthServer implements AsyncDisposable {
  /** What it says: 1 is SERVING. */
  status = 1;
  /** Ends calls with this instead of a message, when set. */
  grpcStatus = 0;
  /** Message octets of the requests it got, behind their prefix. */
  readonly requests: string[] = [];
  readonly paths: string[] = [];
  readonly #server = createServer();
  readonly #sessions = new Set<ServerHttp2Session>();

  static async start(): Promise<GrpcHealthServer> {
    const server = new GrpcHealthServer();
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", resolve));
    return server;
  }

  private constructor() {
    this.#server.on("session", (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.on("close", () => this.#sessions.delete(session));
    });
    this.#server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
      this.paths.push(String(headers[":path"]));
      const pieces: Uint8Array[] = [];
      stream.on("error", () => {});
      stream.on("data", (piece: Uint8Array) => pieces.push(piece));
      stream.on("end", () => {
        const text = pieces.map((piece) => String.fromCharCode(...piece)).join("");
        this.requests.push(text.slice(5));
        const head = { ":status": 200, "content-type": "application/grpc+proto" };
        if (this.grpcStatus !== 0) {
          stream.respond({ ...head, "grpc-status": this.grpcStatus }, { endStream: true });
          return;
        }
        stream.respond(head, { waitForTrailers: true });
        stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0", "grpc-message": "fine" }));
        stream.end(Uint8Array.from([0, 0, 0, 0, 2, 8, this.status]));
      });
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
