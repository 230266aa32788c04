/** `config/schema.json` and `config/reference.md` are what the declarations say. `UPDATE=1` rewrites them. */

import { deepStrictEqual as equal, ok } from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { jsonSchema } from "../../src/config/json_schema.ts";
import { parseConfig } from "../../src/config/load.ts";
import { referenceMarkdown } from "../../src/config/reference.ts";

const generated = [
  { file: "schema.json", text: () => `${JSON.stringify(jsonSchema(), null, 2)}\n` },
  { file: "reference.md", text: referenceMarkdown },
];

for (const { file, text } of generated) {
  Deno.test(`config/${file} is fresh`, () => {
    const url = new URL(`../../config/${file}`, import.meta.url);
    if (Deno.env.get("UPDATE") === "1") Deno.writeTextFileSync(url, text());
    else equal(Deno.readTextFileSync(url), text());
  });
}

Deno.test("every link of the reference leads somewhere", () => {
  const page = referenceMarkdown();
  const headings = [...page.matchAll(/^#+ (.+)$/gm)].map(([, title]) => {
    return title!.toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, "").trim().replace(/\s/g, "-");
  });
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
  ok(links.length > 20);
  equal(links.filter((anchor) => !headings.includes(anchor)), []);
  equal(headings.length, new Set(headings).size);
});

/** Configurations in JSON, as users write them; the schema and the reader must agree about each. */
const documents: { name: string; json: unknown; valid: boolean }[] = [
  {
    name: "arrays and maps",
    valid: true,
    json: {
      schema_version: "1.0",
      server: { worker_threads: 2 },
      listeners: [{ id: "http", address: "127.0.0.1:8080", protocol: "http", request_timeout_secs: 30 }],
      routes: [{
        id: "app",
        priority: 10,
        matches: [{ path_prefix: "/" }, { header: { name: "X-A", value: "1" } }, { method: ["GET", "POST"] }],
        upstream: "app",
        policies: { max_body_size: "10MB", request_headers: { set: { "X-B": "2" }, remove: ["X-C"] } },
        error_pages: { pages: { "404": { format: "json", message: "gone" } }, default_format: "html" },
      }],
      upstreams: {
        app: {
          targets: [{ address: "127.0.0.1:3000", weight: 2 }],
          load_balancing: "weighted",
          health_check: { type: { http: { path: "/up", expected_status: 204 } }, interval_secs: 5 },
          timeouts: { connect_secs: 1 },
        },
      },
      limits: { max_header_size_bytes: 16384, "max-body-size": "1MB" },
      observability: { logging: { level: "warn", access_log: { file: "-", fields: { referer: false } } } },
    },
  },
  {
    name: "kebab-case keys",
    valid: true,
    json: { system: { "worker-threads": 1 }, listeners: { http: { address: "[::1]:8080" } } },
  },
  {
    name: "a number out of range",
    valid: false,
    json: { system: { worker_threads: -1 }, listeners: [{ id: "http", address: "127.0.0.1:8080" }] },
  },
  {
    name: "text for a number",
    valid: false,
    json: { system: { worker_threads: "1" }, listeners: [{ id: "http", address: "127.0.0.1:8080" }] },
  },
  {
    name: "an unknown key",
    valid: false,
    json: { system: { wrkers: 1 }, listeners: [{ id: "http", address: "127.0.0.1:8080" }] },
  },
  { name: "no system", valid: false, json: { listeners: [{ id: "http", address: "127.0.0.1:8080" }] } },
  {
    name: "a feature that is not built",
    valid: false,
    json: { system: {}, listeners: [{ id: "http", address: "127.0.0.1:8080" }], cache: { enabled: true } },
  },
  {
    name: "a feature that is switched off",
    valid: true,
    json: { system: {}, listeners: [{ id: "http", address: "127.0.0.1:8080" }], cache: { enabled: false } },
  },
  {
    name: "an unknown word",
    valid: false,
    json: { system: { trace_id_format: "x" }, listeners: [{ id: "http", address: "127.0.0.1:8080" }] },
  },
];

const validate = new Ajv2020({ strict: false, allErrors: true }).compile(jsonSchema());

for (const { name, json, valid } of documents) {
  Deno.test(`schema.json and the reader agree: ${name}`, () => {
    const { config, issues } = parseConfig(JSON.stringify(json), "config.json");
    equal(config !== undefined, valid, JSON.stringify(issues.map((issue) => issue.message)));
    equal(validate(json), valid, JSON.stringify(validate.errors));
  });
}
