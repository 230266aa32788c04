/** A Sentinel in front of an origin of WebSockets. */

import { ServingSentinel } from "./process.ts";
import { eventually } from "./servers.ts";
import {
  type Handshake,
  type HandshakeSketch,
  openWebSocket,
  type OriginScript,
  WebSocketOrigin,
} from "./websocket_peer.ts";

const WAIT_MS = 8000;

/** What a stage's configuration has besides the usual. */
export interface StageSketch {
  /** Options inside the route `ws`, which takes every path. */
  readonly route: string;
  /** Further blocks of the file. */
  readonly more?: string;
  /** Options inside `system`. */
  readonly system?: string;
  readonly script?: OriginScript;
  readonly workers?: number;
}

/** One access log line. */
export type LogLine = Readonly<Record<string, unknown>>;

/** See `start`. */
export class WebSocketStage implements AsyncDisposable {
  readonly sentinel: ServingSentinel;
  readonly origin: WebSocketOrigin;

  private constructor(sentinel: ServingSentinel, origin: WebSocketOrigin) {
    this.sentinel = sentinel;
    this.origin = origin;
  }

  /** Resolves once it serves. */
  static async start(sketch: StageSketch): Promise<WebSocketStage> {
    const origin = new WebSocketOrigin(sketch.script);
    try {
      const sentinel = await ServingSentinel.start((place) =>
        stageConfig(sketch, { ...place, origin: origin.port })
      );
      return new WebSocketStage(sentinel, origin);
    } catch (cause) {
      await origin[Symbol.asyncDispose]();
      throw cause;
    }
  }

  open(sketch: HandshakeSketch = {}): Promise<Handshake> {
    return openWebSocket(this.sentinel.port, sketch);
  }

  /** The first access log line that fits, once it is written. */
  async logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    let found: LogLine | undefined;
    const isThere = await eventually(WAIT_MS, async () => {
      const text = await Deno.readTextFile(`${this.sentinel.folder}/access.log`).catch(() => "");
      const lines = text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line) as LogLine);
      found = lines.find(fits);
      return found !== undefined;
    });
    if (!isThere) throw new Error(`no such line in the access log; ${this.sentinel.process.output}`);
    return found!;
  }

  /** The sum of a metric's series whose labels contain all of these texts. */
  async metric(name: string, ...labels: readonly string[]): Promise<number> {
    const text = await (await this.sentinel.admin("/metrics")).text();
    return text.split("\n")
      .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
      .filter((line) => labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" ") + 1)), 0);
  }

  /** Waits until a metric has a value. */
  async metricBecomes(want: number, name: string, ...labels: readonly string[]): Promise<void> {
    if (await eventually(WAIT_MS, async () => await this.metric(name, ...labels) === want)) return;
    throw new Error(`${name} is ${await this.metric(name, ...labels)} and not ${want}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sentinel[Symbol.asyncDispose]();
    await this.origin[Symbol.asyncDispose]();
  }
}

/** The file that a stage is served from. */
export function stageConfig(
  sketch: StageSketch,
  place: {
    readonly port: number;
    readonly adminPort: number;
    readonly folder: string;
    readonly origin: number;
  },
): string {
  return `
system { worker-threads ${sketch.workers ?? 1}; 
${sketch.system ?? ""}
}
listeners { listener "http" { address "127.0.0.1:${place.port}"; }; }
upstreams { upstream "origin" { target "127.0.0.1:${place.origin}"; }; }
${sketch.more ?? ""}
routes { route "ws" { matches { path-prefix "/"; }; upstream "origin"
${sketch.route}
}; }
observability {
  metrics { address "127.0.0.1:${place.adminPort}"; };
  logging { access-log { enabled #true; file "${place.folder}/access.log"; format "json"; buffer-size 1; }; };
}
`;
}
