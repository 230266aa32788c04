import { deepStrictEqual as equal } from "node:assert/strict";
import type { ConfigNode, ConfigValue, Plain } from "./config_node.ts";
import { Reading } from "./reading.ts";
import {
  block,
  bytes,
  decimal,
  duration,
  flag,
  integer,
  integers,
  oneOf,
  pairs,
  text,
  texts,
} from "./schema.ts";
import type { Infer, Schema } from "./schema.ts";

const options = block({
  summary: "Everything at once.",
  always: true,
  fields: {
    statusCode: integer({ summary: "A status.", min: 300, max: 308, default: 302 }),
    ratio: decimal({ summary: "A share.", min: 0, max: 1 }),
    enabled: flag({ summary: "A switch.", default: true }),
    hostname: text({ summary: "A host.", aliases: ["host"] }),
    onLimit: oneOf({
      summary: "A choice.",
      values: { reject: [], "log-only": ["log"] },
      unavailable: { queue: [] },
      default: "reject",
    }),
    size: bytes({ summary: "A size.", min: 1, max: 1 << 20 }),
    wait: duration({ summary: "A time.", unit: "ms", min: 1, max: 60_000 }),
    remove: texts({ summary: "Names." }),
    codes: integers({ summary: "Codes.", min: 100, max: 599 }),
    set: pairs({
      summary: "Headers.",
      check: (name) => name.includes(" ") ? "is no header name" : undefined,
    }),
  },
  args: ["hostname"],
  check(value, report) {
    if (value.statusCode === 304) report("statusCode", "304 is no redirect", "use 302");
  },
});

type Options = Infer<typeof options>;
// Fails to compile when inference breaks: required keys are there, optional ones may be left out.
const sample: Options = {
  statusCode: 302,
  enabled: true,
  onLimit: "log-only",
  remove: [],
  codes: [],
  set: [],
};

const SPAN = { file: "t", start: 0, end: 0, line: 1, column: 1 };

function node(name: string, args: readonly Plain[] = [], children: readonly ConfigNode[] = []): ConfigNode {
  const values: ConfigValue[] = args.map((value) => ({ value, span: SPAN }));
  return { name, nameSpan: SPAN, span: SPAN, args: values, props: [], children, syntax: "kdl" };
}

function read<T>(schema: Schema<T>, nodes: readonly ConfigNode[]) {
  const reading = new Reading();
  const value = schema.read(nodes, { reading, parent: node("root"), name: "thing" });
  return { value, messages: reading.issues.map((issue) => issue.message) };
}

Deno.test("defaults apply when nothing is given", () => {
  const { value, messages } = read(options, []);
  equal(value, { ...sample, onLimit: "reject" });
  equal(messages, []);
});

const cases: { name: string; input: ConfigNode; want: Partial<Options> }[] = [
  { name: "integer at the lower bound", input: node("status-code", [300]), want: { statusCode: 300 } },
  { name: "integer at the upper bound", input: node("status-code", [308]), want: { statusCode: 308 } },
  { name: "snake case", input: node("status_code", [301]), want: { statusCode: 301 } },
  { name: "alias", input: node("host", ["a"]), want: { hostname: "a" } },
  { name: "choice by alias and case", input: node("on-limit", ["LOG"]), want: { onLimit: "log-only" } },
  { name: "choice with underscore", input: node("on-limit", ["log_only"]), want: { onLimit: "log-only" } },
  { name: "bytes as text", input: node("size", ["4KB"]), want: { size: 4096 } },
  { name: "bytes as number", input: node("size", [17]), want: { size: 17 } },
  { name: "duration as number", input: node("wait", [17]), want: { wait: 17 } },
  { name: "duration as text", input: node("wait", ["1.5s"]), want: { wait: 1500 } },
  { name: "several arguments", input: node("remove", ["a", "b"]), want: { remove: ["a", "b"] } },
  {
    name: "names in a block",
    input: node("remove", [], [node("a"), node("b", ["c"])]),
    want: { remove: ["a", "b", "c"] },
  },
  {
    name: "pairs keep order and case",
    input: node("set", [], [node("X-A", ["1"])]),
    want: { set: [["X-A", "1"]] },
  },
];

for (const { name, input, want } of cases) {
  Deno.test(`reads: ${name}`, () => {
    const { value, messages } = read(options, [node("thing", [], [input])]);
    equal(messages, []);
    for (const [key, expected] of Object.entries(want)) equal(value[key as keyof Options], expected);
  });
}

const mistakes: { name: string; input: ConfigNode; want: string[] }[] = [
  {
    name: "integer below",
    input: node("status-code", [299]),
    want: ['"status-code" expects an integer from 300 to 308, found the number 299'],
  },
  {
    name: "integer above",
    input: node("status-code", [309]),
    want: ['"status-code" expects an integer from 300 to 308, found the number 309'],
  },
  {
    name: "fraction",
    input: node("status-code", [300.5]),
    want: ['"status-code" expects an integer from 300 to 308, found the number 300.5'],
  },
  {
    name: "text for an integer",
    input: node("status-code", ["302"]),
    want: ['"status-code" expects an integer from 300 to 308, found the text "302"'],
  },
  {
    name: "flag as text",
    input: node("enabled", ["true"]),
    want: ['"enabled" expects #true or #false, found the text "true"'],
  },
  { name: "no value", input: node("hostname"), want: ['"hostname" has no value'] },
  { name: "empty text", input: node("hostname", [""]), want: ['"hostname" must not be empty'] },
  {
    name: "two values",
    input: node("hostname", ["a", "b"]),
    want: ['"hostname" expects one value, found 2'],
  },
  {
    name: "word not built",
    input: node("on-limit", ["queue"]),
    want: ['on-limit "queue" is not available in this build'],
  },
  { name: "unknown name", input: node("hostnam", ["a"]), want: ['unknown name "hostnam" in "thing"'] },
  { name: "bad pair", input: node("set", [], [node("a b", ["1"])]), want: ['"a b" is no header name'] },
  { name: "check across fields", input: node("status-code", [304]), want: ["304 is no redirect"] },
];

for (const { name, input, want } of mistakes) {
  Deno.test(`refuses: ${name}`, () => {
    equal(read(options, [node("thing", [], [input])]).messages, want);
  });
}

Deno.test("every mistake is reported at once", () => {
  const children = [node("ratio", [2]), node("enabled", [1]), node("nonsense"), node("size", ["huge"])];
  equal(read(options, [node("thing", [], children)]).messages.length, 4);
});

Deno.test("a repeated option is an error that shows both places", () => {
  const reading = new Reading();
  const twice = node("thing", [], [node("host", ["a"]), node("hostname", ["b"])]);
  options.read([twice], { reading, parent: node("root"), name: "thing" });
  equal(reading.issues.map((issue) => issue.message), ['"hostname" is given more than once']);
  equal(reading.issues[0]!.related?.length, 1);
});

Deno.test("positional arguments stand for fields", () => {
  equal(read(options, [node("thing", ["example.com"])]).value.hostname, "example.com");
  equal(read(options, [node("thing", ["a", "b"])]).messages, [
    '"thing" takes one value, found the text "b"',
  ]);
});
