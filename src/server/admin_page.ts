import type { ReloadResult } from "./supervisor.ts";

/** What the admin page shows. */
export interface AdminView {
  readonly version: string;
  readonly configName: string;
  readonly generation: number;
  readonly workers: { readonly alive: number; readonly size: number; readonly restarts: number };
  readonly state: "serving" | "draining" | "not ready";
  readonly listeners: readonly { readonly id: string; readonly address: string }[];
  readonly metricsPath: string;
  readonly lastReload: ReloadResult | undefined;
}

const STYLE =
  `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;
padding:0 1rem}h1{font-size:1.4rem}dt{float:left;clear:left;width:9rem;color:gray}dd{margin-left:9rem}
pre{overflow:auto;padding:.8rem;border:1px solid gray;border-radius:.4rem}button{font:inherit;padding:.2rem .8rem}`;

/** The page at `/` of the admin listener. */
export function adminPage(view: AdminView): string {
  const { workers, lastReload } = view;
  const listeners = view.listeners.map(({ id, address }) => `${escape(id)} on ${escape(address)}`).join(
    "<br>",
  );
  const links = [view.metricsPath, "/health", "/ready", "/config", "/upstreams", "/acme", "/-/generation"];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sentinel admin</title><style>${STYLE}</style></head><body>
<h1>Sentinel ${escape(view.version)}: ${view.state}</h1>
<dl>
<dt>Configuration</dt><dd>${escape(view.configName)}, generation ${view.generation}</dd>
<dt>Workers</dt><dd>${workers.alive} of ${workers.size} up, ${workers.restarts} replaced</dd>
<dt>Listeners</dt><dd>${listeners}</dd>
<dt>Last reload</dt><dd>${lastReload === undefined ? "none" : describe(lastReload)}</dd>
</dl>
${lastReload?.outcome === "failed" ? `<pre>${escape(reasons(lastReload))}</pre>` : ""}
<ul>${links.map((link) => `<li><a href="${escape(link)}">${escape(link)}</a></li>`).join("")}</ul>
<form method="post" action="/-/reload"><button>Reload the configuration</button></form>
</body></html>
`;
}

/** Why a reload failed, as text with excerpts. */
export function reasons(result: ReloadResult): string {
  return [result.report, ...result.problems].filter((text) => text !== "").join("\n");
}

function describe(result: ReloadResult): string {
  if (result.trigger === "start") return `none since the start at ${escape(result.at)}`;
  return `${result.outcome} at ${escape(result.at)} (${result.trigger}, ${result.durationMs} ms)`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll(
    '"',
    "&quot;",
  );
}
