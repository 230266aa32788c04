/** What a run of the benchmark leaves behind, and the bounds it is held against. */

/** One contender in one workload; medians over the rounds. */
export interface Figure {
  readonly workload: string;
  readonly contender: string;
  /** Microseconds of CPU, user and system, of the proxy's processes per request. */
  readonly cpuMicros: number;
  /** The single rounds, to show the spread. */
  readonly cpuMicrosRounds: readonly number[];
  readonly requestsPerSecond: number;
  /** Latency at the paced rate, where the workload has one. */
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly failures: number;
}

/** A promise about a figure. */
export interface Bound {
  readonly name: string;
  readonly value: number;
  readonly limit: number;
  readonly unit: string;
  readonly reached: boolean;
}

/** The whole result file. */
export interface BenchResults {
  readonly measuredAt: string;
  readonly command: string;
  readonly machine: { readonly cpu: string; readonly cores: number; readonly kernel: string };
  readonly versions: Readonly<Record<string, string>>;
  readonly figures: readonly Figure[];
  readonly memory: { readonly requests: number; readonly residentMb: readonly number[] } | null;
  readonly bounds: readonly Bound[];
}

/** The middle value; of an even count the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}

interface BoundRow {
  readonly name: string;
  readonly limit: number;
  readonly unit: string;
  readonly value: (facts: Facts) => number | undefined;
}

class Facts {
  readonly #figures: readonly Figure[];
  readonly memory: BenchResults["memory"];

  constructor(figures: readonly Figure[], memory: BenchResults["memory"]) {
    this.#figures = figures;
    this.memory = memory;
  }

  ratio(
    workload: string,
    pair: readonly [string, string],
    field: "cpuMicros" | "p99Ms" = "cpuMicros",
  ): number | undefined {
    const [one, other] = pair.map((name) =>
      this.#figures.find((each) => each.workload === workload && each.contender === name)?.[field]
    );
    return one === undefined || other === undefined ? undefined : one / other;
  }

  /** Milliseconds by which the median answer of one comes later than the other's. */
  slower(workload: string, pair: readonly [string, string]): number | undefined {
    const [one, other] = pair.map((name) =>
      this.#figures.find((each) => each.workload === workload && each.contender === name)?.p50Ms
    );
    return one === undefined || other === undefined ? undefined : one - other;
  }

  /** Microseconds of CPU per request that one contender needs more than the other. */
  added(workload: string, pair: readonly [string, string]): number | undefined {
    const [one, other] = pair.map((name) =>
      this.#figures.find((each) => each.workload === workload && each.contender === name)?.cpuMicros
    );
    return one === undefined || other === undefined ? undefined : one - other;
  }
}

const BOUNDS: readonly BoundRow[] = [
  bound("GET 100 B: CPU against nginx", 1.8, (facts) => facts.ratio("get-100b", ["sentinel", "nginx"])),
  bound("GET 100 B: CPU against Caddy", 0.5, (facts) => facts.ratio("get-100b", ["sentinel", "caddy"])),
  bound("GET 100 KB: CPU against nginx", 1.6, (facts) => facts.ratio("get-100kb", ["sentinel", "nginx"])),
  bound("POST 100 KB: CPU against nginx", 1.6, (facts) => facts.ratio("post-100kb", ["sentinel", "nginx"])),
  bound(
    "10 MB download: CPU per byte against nginx",
    0.8,
    (facts) => facts.ratio("get-10mb", ["sentinel", "nginx"]),
  ),
  bound(
    "p99 at 50 % load against nginx",
    2,
    (facts) => facts.ratio("latency", ["sentinel", "nginx"], "p99Ms"),
  ),
  bound("HTTPS GET 1 KB: CPU against nginx", 2.5, (facts) => facts.ratio("https-1kb", ["sentinel", "nginx"])),
  bound("HTTPS GET 1 KB: CPU against Caddy", 0.9, (facts) => facts.ratio("https-1kb", ["sentinel", "caddy"])),
  bound(
    "HTTP/2 over TLS, GET 1 KB: CPU against nginx",
    2.5,
    (facts) => facts.ratio("h2-1kb", ["sentinel", "nginx"]),
  ),
  bound(
    "HTTP/2 over TLS, GET 1 KB: CPU against Caddy",
    0.9,
    (facts) => facts.ratio("h2-1kb", ["sentinel", "caddy"]),
  ),
  // 0.7 of nginx's handshakes for the same CPU.
  ...["full-12", "full-13", "resumed-12", "resumed-13"].map((kind) =>
    bound(
      `handshake, ${kind.replace("-1", ", TLS 1.")}: CPU against nginx`,
      1.43,
      (facts) => facts.ratio(`handshake-${kind}`, ["sentinel", "nginx"]),
    )
  ),
  bound("100 routes against one: CPU", 1.03, (facts) => facts.ratio("routes", ["100 routes", "1 route"])),
  {
    name: "HTTPS GET 1 KB, one after the other: p50 above plain HTTP",
    limit: 1,
    unit: "ms",
    value: (facts) => facts.slower("sequential-1kb", ["sentinel https", "sentinel http"]),
  },
  {
    name: "HTTPS GET 100 KB, one after the other: p50 above plain HTTP",
    limit: 1,
    unit: "ms",
    value: (facts) => facts.slower("sequential-100kb", ["sentinel https", "sentinel http"]),
  },
  {
    name: "denylist of 10 000 entries: CPU it adds to a request",
    limit: 4,
    unit: "µs",
    value: (facts) => facts.added("agents", ["denylist", "no agent"]),
  },
  bound("two workers against one: CPU", 1.15, (facts) => facts.ratio("workers", ["2 workers", "1 worker"])),
  {
    name: "resident memory of one worker after the run",
    limit: 120,
    unit: "MB",
    value: ({ memory }) => memory?.residentMb.at(-1),
  },
  {
    name: "growth of memory over the last half",
    limit: 1.05,
    unit: "×",
    value: ({ memory }) => {
      const middle = memory?.residentMb[Math.floor(memory.residentMb.length / 2)];
      return memory && middle !== undefined ? memory.residentMb.at(-1)! / middle : undefined;
    },
  },
];

function bound(name: string, limit: number, value: BoundRow["value"]): BoundRow {
  return { name, limit, unit: "×", value };
}

/** Holds the figures against the bounds; bounds without a figure are left out. */
export function judge(figures: readonly Figure[], memory: BenchResults["memory"]): Bound[] {
  const facts = new Facts(figures, memory);
  const judged: Bound[] = [];
  for (const { name, limit, unit, value } of BOUNDS) {
    const found = value(facts);
    if (found !== undefined) judged.push({ name, value: found, limit, unit, reached: found <= limit });
  }
  return judged;
}

/** The result as text for a terminal. */
export function renderResults(results: BenchResults): string {
  const rows = results.figures.map((figure) => [
    figure.workload,
    figure.contender,
    figure.cpuMicros.toFixed(1),
    ratioTo(results.figures, figure),
    figure.requestsPerSecond.toFixed(0),
    figure.p50Ms?.toFixed(2) ?? "",
    figure.p99Ms?.toFixed(2) ?? "",
    figure.failures === 0 ? "" : `${figure.failures} FAILED`,
  ]);
  const table = columns([
    ["workload", "contender", "CPU µs/req", "to first", "req/s", "p50 ms", "p99 ms", ""],
    ...rows,
  ]);
  const memory = results.memory
    ? `\nmemory over ${results.memory.requests} requests, MB: ${
      results.memory.residentMb.map((each) => each.toFixed(0)).join(" ")
    }\n`
    : "";
  const bounds = columns(
    results.bounds.map((each) => [
      each.reached ? "reached" : "MISSED",
      each.name,
      `${each.value.toFixed(2)} ${each.unit}`,
      `at most ${each.limit} ${each.unit}`,
    ]),
  );
  return `${table}\n${memory}\n${bounds}\n`;
}

/** CPU in relation to the workload's first contender. */
function ratioTo(figures: readonly Figure[], figure: Figure): string {
  const first = figures.find((each) => each.workload === figure.workload);
  return first ? (figure.cpuMicros / first.cpuMicros).toFixed(2) : "";
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, i) => widths[i] = Math.max(widths[i] ?? 0, cell.length));
  return rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join("  ").trimEnd()).join("\n");
}
