import { headerEditFields } from "../core/header_edits.ts";
import type { Kind } from "../core/kind.ts";
import { block, type Infer, oneOf } from "../core/schema.ts";
import type { Filter, FilterDeps } from "./filter.ts";
import { headerEditor, hostEditProblem } from "./header_editor.ts";

const options = block({
  summary: "Renames, sets, adds and removes headers, in this order.",
  always: true,
  fields: {
    phase: oneOf({
      summary: "Which headers are changed.",
      values: { request: [], response: [], both: [] },
      default: "request",
    }),
    ...headerEditFields,
  },
  check(value, report) {
    const problem = hostEditProblem(value);
    if (problem !== undefined) report("set", problem);
    if (headerEditor(value) === undefined) {
      report("phase", "the filter changes nothing", "give it rename, set, add or remove");
    }
  },
});

/** Changes request headers, response headers or both. */
export const headers: Kind<"headers", Infer<typeof options>, FilterDeps, Filter> = {
  type: "headers",
  aliases: ["header"],
  summary: "Changes headers of requests and responses.",
  options,
  create(given): Filter {
    const editor = headerEditor(given);
    const filter: Filter = {};
    if (editor === undefined) return filter;
    if (given.phase !== "response") {
      filter.onRequest = (context) => {
        editor.editRequest(context);
        return undefined;
      };
    }
    if (given.phase !== "request") filter.onResponse = (_context, response) => editor.editResponse(response);
    return filter;
  },
};
