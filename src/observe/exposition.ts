import type { FamilySnapshot, MetricsSnapshot, SeriesSnapshot } from "./metrics_snapshot.ts";

/** The two text formats a Prometheus server asks for. */
export type ExpositionFormat = "prometheus" | "openmetrics";

const CONTENT_TYPES: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openmetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The answer to a scrape. */
export interface Exposition {
  readonly contentType: string;
  readonly text: string;
}

/**
 * Prints a snapshot in the format that `accept` (the request's Accept header) prefers: OpenMetrics 1.0 when
 * it is asked for at least as much as plain text, else the Prometheus text format 0.0.4.
 */
export function exposition(snapshot: MetricsSnapshot, accept = ""): Exposition {
  const format = preferredFormat(accept);
  return { contentType: CONTENT_TYPES[format], text: expositionText(snapshot, format) };
}

/** The text alone, in a given format. */
export function expositionText(snapshot: MetricsSnapshot, format: ExpositionFormat): string {
  const lines: string[] = [];
  for (const family of snapshot.families) printFamily(lines, family, format);
  if (format === "openmetrics") lines.push("# EOF");
  return lines.join("\n") + "\n";
}

function preferredFormat(accept: string): ExpositionFormat {
  let openmetrics = 0;
  let plain = 0;
  for (const range of accept.split(",")) {
    const [type = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const weight = quality(parameters);
    if (type === "application/openmetrics-text") openmetrics = Math.max(openmetrics, weight);
    if (type === "text/plain" || type === "text/*") plain = Math.max(plain, weight);
  }
  return openmetrics > 0 && openmetrics >= plain ? "openmetrics" : "prometheus";
}

function quality(parameters: readonly string[]): number {
  const given = parameters.find((parameter) => parameter.startsWith("q="));
  if (given === undefined) return 1;
  const weight = Number(given.slice(2));
  return weight >= 0 && weight <= 1 ? weight : 0;
}

function printFamily(lines: string[], family: FamilySnapshot, format: ExpositionFormat): void {
  const open = format === "openmetrics";
  // OpenMetrics names a counter without the suffix that its samples carry.
  const bare = family.name.endsWith("_total") ? family.name.slice(0, -"_total".length) : family.name;
  const named = open && family.type === "counter" ? bare : family.name;
  lines.push(`# HELP ${named} ${escapeHelp(family.help, format)}`);
  lines.push(`# TYPE ${named} ${family.type}`);
  const sample = open && family.type === "counter" ? `${bare}_total` : family.name;
  for (const series of family.series) {
    const labels = labelPairs(family.labelNames, series.labels);
    if (family.type === "histogram") printHistogram(lines, family, { labels, series, format });
    else lines.push(`${sample}${braced(labels)} ${number(series.values[0]!)}`);
  }
}

function printHistogram(
  lines: string[],
  family: FamilySnapshot,
  { labels, series, format }: { labels: string; series: SeriesSnapshot; format: ExpositionFormat },
): void {
  const { name, buckets } = family;
  const lead = labels === "" ? "" : `${labels},`;
  let count = 0;
  for (let i = 0; i < buckets.length; i++) {
    count += series.values[i]!;
    lines.push(`${name}_bucket{${lead}le="${bound(buckets[i]!, format)}"} ${number(count)}`);
  }
  count += series.values[buckets.length]!;
  lines.push(`${name}_bucket{${lead}le="+Inf"} ${number(count)}`);
  lines.push(`${name}_sum${braced(labels)} ${number(series.values[buckets.length + 1]!)}`);
  lines.push(`${name}_count${braced(labels)} ${number(count)}`);
}

function labelPairs(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escapeLabel(values[index]!)}"`).join(",");
}

function braced(labels: string): string {
  return labels === "" ? "" : `{${labels}}`;
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (unit) => unit === "\n" ? "\\n" : `\\${unit}`);
}

function escapeHelp(help: string, format: ExpositionFormat): string {
  const escaped = help.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
  return format === "openmetrics" ? escaped.replaceAll('"', '\\"') : escaped;
}

function number(value: number): string {
  if (value === Infinity) return "+Inf";
  if (value === -Infinity) return "-Inf";
  return String(value);
}

// OpenMetrics wants canonical floats as bounds: 1 is written 1.0.
function bound(value: number, format: ExpositionFormat): string {
  const text = number(value);
  return format === "openmetrics" && Number.isInteger(value) && !text.includes("e") ? `${text}.0` : text;
}
