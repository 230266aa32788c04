/** Load generators: wrk for saturation, h2load for a paced load whose latency means something. */

/** The core that generates load and runs the origin; proxies get the other one. */
export const LOAD_CORE = 0;

/** The core that a proxy under measurement has for itself. */
export const PROXY_CORE = 1;

/** Seconds of load before a paced run starts to count. */
export const PACE_WARM_UP_SECONDS = 1;

/** What a saturating run saw. */
export interface Saturation {
  readonly requests: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  /** Answers that were not 2xx or 3xx, and socket errors; a figure with any of them is worthless. */
  readonly failures: number;
}

/** A saturating run. */
export interface SaturationOptions {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  /** Body of a POST request; absent means GET. */
  readonly bodyBytes?: number;
  readonly host?: string;
  /** wrk threads; 1 unless the target has several workers. */
  readonly threads?: number;
  /** Pins the generator to its core. */
  readonly pinned: boolean;
  /** Speaks HTTP/2, with so many requests at once on each connection; absent means HTTP/1.1. */
  readonly streams?: number;
}

async function run(command: string, args: readonly string[]): Promise<string> {
  const output = await new Deno.Command(command, { args: [...args], stdin: "null" }).output();
  const text = new TextDecoder().decode(output.stdout);
  if (!output.success) {
    throw new Error(`${command} ${args.join(" ")} failed: ${text}${new TextDecoder().decode(output.stderr)}`);
  }
  return text;
}

function pinnedCommand(pinned: boolean, words: readonly string[]): { command: string; args: string[] } {
  const all = pinned ? ["taskset", "-c", String(LOAD_CORE), ...words] : [...words];
  return { command: all[0]!, args: all.slice(1) };
}

/** Sends as many requests as the connections carry, for the given time. */
export async function saturate(options: SaturationOptions): Promise<Saturation> {
  const { streams, connections, seconds, url, pinned } = options;
  if (streams !== undefined) {
    const words = ["h2load", "-t1", `-c${connections}`, `-m${streams}`, `-D${seconds}`, url];
    const { command, args } = pinnedCommand(pinned, words);
    return parseH2load(await run(command, args), url);
  }
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    const post = options.bodyBytes === undefined
      ? ""
      : `wrk.method = "POST"\nwrk.body = string.rep("x", ${options.bodyBytes})\n`;
    const host = options.host === undefined ? "" : `wrk.headers["Host"] = "${options.host}"\n`;
    await Deno.writeTextFile(script, post + host);
    const { command, args } = pinnedCommand(options.pinned, [
      "wrk",
      `-t${options.threads ?? 1}`,
      `-c${options.connections}`,
      `-d${options.seconds}s`,
      "--timeout",
      "10s",
      "-s",
      script,
      options.url,
    ]);
    return parseWrk(await run(command, args));
  } finally {
    await Deno.remove(script);
  }
}

/** Reads h2load's report. Throws when it did not speak HTTP/2. */
export function parseH2load(text: string, url: string): Saturation {
  const total = /finished in ([\d.]+)(ms|s|m)?, ([\d.]+) req\/s/.exec(text);
  const counts = /(\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout/.exec(text);
  if (total === null || counts === null) throw new Error(`Cannot read the report of h2load: ${text}`);
  if (url.startsWith("https:") && !/Application protocol: h2$/m.test(text)) {
    throw new Error(`${url} does not speak HTTP/2`);
  }
  const unit = { ms: 0.001, s: 1, m: 60 }[(total[2] ?? "s") as "ms" | "s" | "m"];
  return {
    requests: Number(counts[1]),
    seconds: Number(total[1]) * unit,
    requestsPerSecond: Number(total[3]),
    failures: Number(counts[2]) + Number(counts[3]) + Number(counts[4]),
  };
}

/** Reads wrk's report. */
export function parseWrk(text: string): Saturation {
  const total = /(\d+) requests in ([\d.]+)(ms|s|m)/.exec(text);
  const rate = /Requests\/sec:\s+([\d.]+)/.exec(text);
  if (!total || !rate) throw new Error(`Cannot read the report of wrk: ${text}`);
  const unit = { ms: 0.001, s: 1, m: 60 }[total[3] as "ms" | "s" | "m"];
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const socketErrors = errors ? errors.slice(1).reduce((sum, each) => sum + Number(each), 0) : 0;
  return {
    requests: Number(total[1]),
    seconds: Number(total[2]) * unit,
    requestsPerSecond: Number(rate[1]),
    failures: Number(/Non-2xx or 3xx responses: (\d+)/.exec(text)?.[1] ?? 0) + socketErrors,
  };
}

/** Latencies of a paced run. */
export interface Latency {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failures: number;
}

/** Sends `requestsPerSecond` evenly over the connections and measures each answer. */
export async function pace(
  options: { url: string; connections: number; seconds: number; requestsPerSecond: number },
): Promise<Latency> {
  const log = await Deno.makeTempFile({ suffix: ".tsv" });
  try {
    const perClient = Math.max(1, Math.round(options.requestsPerSecond / options.connections));
    const { command, args } = pinnedCommand(true, [
      "h2load",
      "--h1",
      "-t1",
      `-c${options.connections}`,
      `-D${options.seconds}`,
      `--warm-up-time=${PACE_WARM_UP_SECONDS}`,
      `--rps=${perClient}`,
      `--log-file=${log}`,
      options.url,
    ]);
    await run(command, args);
    return parseH2loadLog(await Deno.readTextFile(log), options.seconds);
  } finally {
    await Deno.remove(log);
  }
}

/** Reads h2load's log: start time, status, microseconds per line. */
export function parseH2loadLog(text: string, seconds: number): Latency {
  const micros: number[] = [];
  let failures = 0;
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, status, duration] = line.split("\t");
    if (!status!.startsWith("2")) failures++;
    micros.push(Number(duration));
  }
  micros.sort((a, b) => a - b);
  const at = (share: number) =>
    (micros[Math.min(micros.length - 1, Math.floor(micros.length * share))] ?? NaN) / 1000;
  return { requestsPerSecond: micros.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), failures };
}
