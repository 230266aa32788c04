/** A gRPC service and its client without protobuf: messages are texts. */

import * as grpc from "@grpc/grpc-js";
import { Buffer } from "node:buffer";

const encode = (text: string) => Buffer.from(text);
const decode = (bytes: Buffer) => bytes.toString();
const codec = {
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
};
const method = (name: string, streams: { request: boolean; response: boolean }) => ({
  path: `/test.Texts/${name}`,
  requestStream: streams.request,
  responseStream: streams.response,
  ...codec,
});
const SERVICE: grpc.ServiceDefinition = {
  Upper: method("Upper", { request: false, response: false }),
  Join: method("Join", { request: true, response: false }),
  Count: method("Count", { request: false, response: true }),
  Echo: method("Echo", { request: true, response: true }),
};

type Unary = grpc.ServerUnaryCall<string, string>;
type Answer = grpc.sendUnaryData<string>;

/** What the service saw of a call that was given up. */
export interface GrpcEvents {
  readonly cancelled: string[];
  readonly deadlines: (Date | number)[];
}

/** A running service: `Upper`, `Join` (client streams), `Count` (server streams), `Echo` (both). */
export class GrpcService implements AsyncDisposable {
  readonly port: number;
  readonly events: GrpcEvents;
  readonly #server: grpc.Server;

  private constructor(server: grpc.Server, port: number, events: GrpcEvents) {
    this.#server = server;
    this.port = port;
    this.events = events;
  }

  static async start(options: { credentials?: grpc.ServerCredentials } = {}): Promise<GrpcService> {
    const server = new grpc.Server();
    const events: GrpcEvents = { cancelled: [], deadlines: [] };
    server.addService(SERVICE, {
      Upper(call: Unary, answer: Answer) {
        events.deadlines.push(call.getDeadline());
        if (call.request === "fail") {
          const metadata = new grpc.Metadata();
          metadata.set("x-why", "asked to");
          return answer({ code: grpc.status.FAILED_PRECONDITION, details: "it fäils", metadata });
        }
        if (call.request === "hang") return void call.on("cancelled", () => events.cancelled.push("Upper"));
        const trailers = new grpc.Metadata();
        trailers.set("x-trailer", "behind the message");
        answer(null, call.request.toUpperCase(), trailers);
      },
      Join(call: grpc.ServerReadableStream<string, string>, answer: Answer) {
        const parts: string[] = [];
        call.on("data", (part: string) => parts.push(part));
        call.on("end", () => answer(null, parts.join("+")));
      },
      Count(call: grpc.ServerWritableStream<string, string>) {
        call.on("cancelled", () => events.cancelled.push("Count"));
        if (call.request === "endless") return void call.write("0");
        for (let i = 0; i < Number(call.request); i++) call.write(String(i));
        const trailers = new grpc.Metadata();
        trailers.set("x-count", call.request);
        call.end(trailers);
      },
      Echo(call: grpc.ServerDuplexStream<string, string>) {
        call.on("data", (part: string) => call.write(`<${part}>`));
        call.on("end", () => call.end());
        call.on("error", () => {});
      },
    });
    const credentials = options.credentials ?? grpc.ServerCredentials.createInsecure();
    const port = await new Promise<number>((resolve, reject) => {
      server.bindAsync("127.0.0.1:0", credentials, (error, bound) => error ? reject(error) : resolve(bound));
    });
    return new GrpcService(server, port, events);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
    return Promise.resolve();
  }
}

/** How a call ended. */
export interface Outcome {
  readonly messages: string[];
  readonly code: number;
  readonly details: string;
  readonly trailers: Record<string, unknown>;
}

/** A client of the service above. */
export class GrpcClient implements Disposable {
  readonly #client: grpc.Client;

  /** With TLS when there is an authority to believe; `serverName` is then the name that is asked for. */
  constructor(address: string, tls?: { readonly ca: string; readonly serverName: string }) {
    this.#client = tls === undefined
      ? new grpc.Client(address, grpc.credentials.createInsecure())
      : new grpc.Client(address, grpc.credentials.createSsl(Buffer.from(tls.ca)), {
        "grpc.ssl_target_name_override": tls.serverName,
        "grpc.default_authority": tls.serverName,
      });
  }

  /** Calls with one message or several; `deadlineMs` from now. */
  call(
    name: keyof typeof SERVICE,
    parts: readonly string[],
    options: { deadlineMs?: number; cancelAfterFirst?: boolean } = {},
  ): Promise<Outcome> {
    const path = `/test.Texts/${String(name)}`;
    const deadline = options.deadlineMs === undefined ? {} : { deadline: Date.now() + options.deadlineMs };
    const call = this.#client.makeBidiStreamRequest(path, encode, decode, deadline);
    const messages: string[] = [];
    const ended = new Promise<Outcome>((resolve) => {
      call.on("data", (message: string) => {
        messages.push(message);
        if (options.cancelAfterFirst) call.cancel();
      });
      call.on("error", () => {});
      call.on("status", ({ code, details, metadata }) => {
        resolve({ messages, code, details, trailers: metadata.getMap() });
      });
    });
    for (const part of parts) call.write(part);
    call.end();
    return ended;
  }

  /** Sends each part once the answer to the one before it is there: both directions at once. */
  async converse(parts: readonly string[]): Promise<string[]> {
    const call = this.#client.makeBidiStreamRequest("/test.Texts/Echo", encode, decode);
    call.on("error", () => {});
    const answers: string[] = [];
    for (const part of parts) {
      const answer = new Promise<string>((resolve) => call.once("data", resolve));
      call.write(part);
      answers.push(await answer);
    }
    const ended = new Promise<void>((resolve) => call.once("status", () => resolve()));
    call.end();
    await ended;
    return answers;
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
