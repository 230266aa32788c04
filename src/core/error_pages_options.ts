import { canonicalName } from "./config_node.ts";
import type { ConfigNode, ConfigValue } from "./config_node.ts";
import { checkHeader } from "./header_edits.ts";
import { repeated } from "./named_blocks.ts";
import { refused } from "./refused.ts";
import { block, oneOf, pairs, text } from "./schema.ts";
import type { Infer } from "./schema.ts";

const FORMATS = { html: [], json: [], text: ["plain", "txt"], xml: [] } as const;

const page = block({
  summary: "The page for one status.",
  args: ["status"],
  fields: {
    status: text({
      summary: "Status, or `4xx` and `5xx` for all of a class.",
      required: true,
      check: (status) =>
        /^[45](?:\d\d|xx)$/i.test(status) ? undefined : `must be a status such as "404" or "5xx"`,
      pattern: "^[45](\\d\\d|xx)$",
    }),
    format: oneOf({ summary: "Form of this page, whatever the client accepts.", values: FORMATS }),
    template: text({
      summary:
        "The page: {{status}}, {{title}}, {{message}}, {{request_id}} and {{timestamp}} are filled in.",
    }),
    message: text({ summary: "Text for people instead of the standard one." }),
    headers: pairs({ summary: "Headers of the answer.", check: checkHeader }),
  },
});

/** Lifts `pages { "404" { } }` and a JSON map of statuses to `page "404" { }` nodes. */
function liftPages(node: ConfigNode): ConfigNode {
  const children = node.children.flatMap((child) => {
    if (canonicalName(child.name) !== "pages") return [child];
    return [...child.children.map(asPage), ...(child.items ?? []).map((item) => ({ ...item, name: "page" }))];
  });
  return { ...node, children };
}

function asPage(node: ConfigNode): ConfigNode {
  if (canonicalName(node.name) === "page") return node;
  const status: ConfigValue = { value: node.name, span: node.nameSpan };
  return { ...node, name: "page", args: [status, ...node.args] };
}

const pages = repeated({ summary: "Pages by status.", name: "page", aliases: ["pages"], block: page });

/** What the proxy answers by itself when something goes wrong. */
export const errorPages = block({
  summary: "Own pages for errors that the proxy generates.",
  normalise: (node) => withTextStatus(liftPages(node)),
  fields: {
    pages: { ...pages, shape: { type: "blocks", item: "page", of: page } as const },
    defaultFormat: oneOf({
      summary: "Form where the client accepts anything; left out, the service type decides.",
      values: FORMATS,
    }),
    includeStackTrace: refused({
      summary: "Internals in error pages.",
      hint: "internals are never shown to clients; look in the error log",
    }),
    templateDir: refused({ summary: "Directory of templates.", hint: "write the page as template text" }),
  },
  check(value, report) {
    const seen = new Set<string>();
    for (const { status } of value.pages) {
      if (seen.has(status.toLowerCase())) report("pages", `page "${status}" is defined twice`);
      seen.add(status.toLowerCase());
    }
  },
});

/** Own pages of a route. */
export type ErrorPagesConfig = NonNullable<Infer<typeof errorPages>>;

/** `page 404 { }` is as good as `page "404" { }`. */
function withTextStatus(node: ConfigNode): ConfigNode {
  const children = node.children.map((child) => {
    const [status, ...rest] = child.args;
    if (canonicalName(child.name) !== "page" || typeof status?.value !== "number") return child;
    return { ...child, args: [{ ...status, value: String(status.value) }, ...rest] };
  });
  return { ...node, children };
}
