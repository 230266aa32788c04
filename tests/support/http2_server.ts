/** HTTP/2 servers of others: node's own, with and without TLS. */

import * as http2 from "node:http2";
import * as https from "node:https";
import { ROOT } from "./servers.ts";

const CERTS = `${ROOT}tests/support/certs`;
const pem = (name: string) => Deno.readTextFileSync(`${CERTS}/${name}`);

/** Which protocols a server over TLS agrees to. */
export interface TlsWishes {
  readonly protocols: "h2" | "http1" | "both";
  readonly requestCert?: boolean;
}

/** A server that tells the version of HTTP that it was asked in; it sends trailers under `/trailers`. */
export class Http2Server implements AsyncDisposable {
  readonly port: number;
  /** Connections accepted so far. */
  connections = 0;
  readonly #server: Listening;

  private constructor(server: Listening, port: number) {
    this.#server = server;
    this.port = port;
    server.on("connection", () => this.connections++);
  }

  /** Without TLS, at a port or at the path of a Unix socket. */
  static plain(path?: string): Promise<Http2Server> {
    return Http2Server.#listen(http2.createServer(), path);
  }

  static tls({ protocols, requestCert = false }: TlsWishes): Promise<Http2Server> {
    const pems = { cert: pem("server.pem"), key: pem("server.key"), ca: pem("ca.pem") };
    const options = { ...pems, requestCert, rejectUnauthorized: requestCert };
    if (protocols !== "http1") {
      return Http2Server.#listen(http2.createSecureServer({ ...options, allowHTTP1: protocols === "both" }));
    }
    return Http2Server.#listen(https.createServer(options));
  }

  static async #listen(server: Listening, path?: string): Promise<Http2Server> {
    server.on("stream", answer);
    server.on("request", (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
      if (request.httpVersionMajor === 1) response.end(`spoken: ${request.httpVersion}`);
    });
    server.on("sessionError", () => {});
    server.on("tlsClientError", () => {});
    await new Promise<void>((resolve) => {
      if (path === undefined) server.listen(0, "127.0.0.1", resolve);
      else server.listen(path, resolve);
    });
    const address = server.address();
    return new Http2Server(server, typeof address === "object" && address !== null ? address.port : 0);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    return Promise.resolve();
  }
}

type Listening = http2.Http2Server | http2.Http2SecureServer | https.Server;

function answer(stream: http2.ServerHttp2Stream, head: http2.IncomingHttpHeaders): void {
  if (head[":path"] !== "/trailers") {
    stream.respond({ ":status": 200 });
    return void stream.end("spoken: 2.0");
  }
  stream.respond({ ":status": 200, "content-type": "text/plain" }, { waitForTrailers: true });
  stream.on("wantTrailers", () => stream.sendTrailers({ "x-end": "reached" }));
  stream.end("with trailers");
}
