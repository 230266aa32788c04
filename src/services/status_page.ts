import type { ConfigSummary, RouteSummary, UpstreamView } from "./builtin_views.ts";
import { escapeMarkup } from "./escape.ts";
import { code, page, table } from "./page.ts";
import { uptimeText } from "./uptime.ts";

/** More rows than this help nobody on a status page. */
const ROWS_MAX = 100;

export interface StatusView {
  readonly version: string;
  readonly instanceId: string;
  readonly uptimeMs: number;
  readonly config: ConfigSummary | undefined;
  readonly upstreams: readonly UpstreamView[];
  readonly requestId: string;
}

/** What a person sees who opens a route with the `status` handler: is it up, where do requests go. */
export function statusPage(view: StatusView): string {
  const { version, instanceId, uptimeMs, config, upstreams, requestId } = view;
  return page(
    "Sentinel",
    `<h1>Sentinel is running</h1>
<p class="lead">Version ${escapeMarkup(version)}, up for ${uptimeText(uptimeMs)}</p>
<dl>
<dt>Instance</dt><dd>${code(instanceId)}</dd>
<dt>Listeners</dt><dd>${listeners(config)}</dd>
<dt>Pages</dt><dd>${links(config)}</dd>
</dl>
${upstreamSection(upstreams)}
${routeSection(config)}
<h2>Next steps</h2>
<p>Check a configuration with ${code("deno task sentinel test --config my.kdl")}, serve it with
${code("deno task start --config my.kdl")}, and ask which route a request takes with
${code("deno task sentinel explain --config my.kdl --request 'GET https://a.example/x'")}.
All options are described in ${code("config/reference.md")}.</p>
<footer>Request ${code(requestId)}</footer>`,
  );
}

function listeners(config: ConfigSummary | undefined): string {
  const known = config?.listeners ?? [];
  if (known.length === 0) return "none";
  return known.map(({ id, address, protocol }) => `${code(`${protocol}://${address}`)} (${escapeMarkup(id)})`)
    .join(", ");
}

/** Builtin handlers with a fixed path, so that every link works. */
function links(config: ConfigSummary | undefined): string {
  const found: string[] = [];
  for (const { builtin_handler, matches } of config?.routes ?? []) {
    const path = matches.path[0];
    if (builtin_handler === null || path === undefined || matches.host.length > 0) continue;
    found.push(
      `<a href="${escapeMarkup(path)}">${escapeMarkup(path)}</a> (${escapeMarkup(builtin_handler)})`,
    );
  }
  return found.length === 0 ? "this one" : found.slice(0, ROWS_MAX).join(", ");
}

function upstreamSection(upstreams: readonly UpstreamView[]): string {
  const rows = upstreams.flatMap((upstream) =>
    upstream.targets.map((target) => [
      escapeMarkup(upstream.id),
      code(target.address),
      `<span class="${target.status}">${target.status}</span>`,
    ])
  );
  if (rows.length === 0) return "<h2>Upstreams</h2>\n<p>None configured.</p>";
  return section("Upstreams", ["Upstream", "Target", "Health"], rows);
}

function routeSection(config: ConfigSummary | undefined): string {
  const rows = (config?.routes ?? []).map((route) => [
    escapeMarkup(route.id),
    conditions(route),
    route.upstream !== null
      ? `upstream ${escapeMarkup(route.upstream)}`
      : escapeMarkup(route.builtin_handler ?? "its filters"),
  ]);
  if (rows.length === 0) return "<h2>Routes</h2>\n<p>None configured.</p>";
  return section("Routes", ["Route", "Takes", "Ends in"], rows);
}

/** Hosts and paths alone: header values may be secrets. */
function conditions({ matches }: RouteSummary): string {
  const { host, path, pathPrefix, pathRegex } = matches;
  const paths = [
    ...path,
    ...pathPrefix.map((each) => `${each.replace(/\/$/, "")}/*`),
    ...pathRegex.map((each) => `~ ${each}`),
  ];
  const shown = [...host, ...paths].map(code);
  return shown.length === 0 ? "everything" : shown.join(" ");
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]): string {
  const more = rows.length > ROWS_MAX ? `\n<p>and ${rows.length - ROWS_MAX} more</p>` : "";
  return `<h2>${title}</h2>\n${table(head, rows.slice(0, ROWS_MAX))}${more}`;
}
