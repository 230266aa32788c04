import { parseConfig } from "./load.ts"; import { renderIssues } from "./render.ts"; import { resolveConfig } from "./resolve.ts";
for (const [n, bad] of [[1000, false],[10000,false],[10000,true]] as const) {
 let t = 'system {}\nlisteners { listener "a" { address "127.0.0.1:1" } }\nroutes {\n';
 for (let i = 0; i < n; i++) t += `  route "r${i}" {\n    matches {\n      host "h${i}.example.com"\n      path-prefix "/api/${i}"\n    }\n    upstream "${bad ? "v" : "u"}${i}"\n    policies { timeout-secs 30 }\n  }\n`;
 t += "}\nupstreams {\n"; for (let i = 0; i < n; i++) t += `  upstream "u${i}" { target "10.0.0.1:${i+1}" }\n`; t += "}\n";
 const a = performance.now(); const r = parseConfig(t); const b = performance.now(); console.log(n, bad, r.issues.length, t.length, Math.round(b - a), "ms"); if (r.config) { resolveConfig(r.config); console.log("resolve", Math.round(performance.now() - b)); } else renderIssues(r.issues, r.sources, {color: false});
}
