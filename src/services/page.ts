import { escapeMarkup } from "./escape.ts";

const STYLE =
  `:root{color-scheme:light dark;--line:#d8dde6;--soft:#596273;--mark:#3f5bd9;--ok:#15803d;--bad:#b91c1c}
@media (prefers-color-scheme:dark){:root{--line:#2c3442;--soft:#98a2b3;--mark:#8aa0ff;--ok:#4ade80;--bad:#f87171}
body{background:#12161d;color:#e6e9ef}}
body{margin:0 auto;max-width:56rem;padding:2rem 1rem;font:16px/1.5 system-ui,sans-serif}
h1{margin:0;font-size:1.6rem}h2{margin:2rem 0 .5rem;font-size:1.1rem}
.lead{margin:.2rem 0 1.5rem;color:var(--soft)}
table{width:100%;border-collapse:collapse}
th,td{padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600;color:var(--soft)}td{overflow-wrap:anywhere}
code{font-size:.9em}a{color:var(--mark)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.5rem;margin:0}dt{color:var(--soft)}dd{margin:0}
.healthy{color:var(--ok)}.unhealthy{color:var(--bad)}.unknown,footer{color:var(--soft)}
footer{margin-top:2.5rem;font-size:.85rem}`;

/** A page of ours: readable in light and dark, nothing fetched, no script. `body` is markup. */
export function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escapeMarkup(title)}</title>
<style>
${STYLE}
</style>
</head>
<body>
${body}
</body>
</html>
`;
}

/** A table; cells are markup. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const heading = head.map((cell) => `<th scope="col">${cell}</th>`).join("");
  const lines = rows.map((cells) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<table>\n<thead><tr>${heading}</tr></thead>\n<tbody>\n${lines.join("\n")}\n</tbody>\n</table>`;
}

/** Text in a fixed-width face. */
export function code(text: string): string {
  return `<code>${escapeMarkup(text)}</code>`;
}
