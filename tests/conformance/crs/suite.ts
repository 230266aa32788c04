/** The regression tests of the OWASP Core Rule Set, read from their YAML files. */

import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { requestBytes, type RequestSpec } from "./request_bytes.ts";

/** What a stage of a test promises; an absent member promises nothing. */
export interface Expectation {
  /** Rules that must be among the matches of the transaction. */
  readonly expectIds: readonly number[];
  readonly noExpectIds: readonly number[];
  /** Expressions that must (not) be found in the messages of the matches. */
  readonly matchRegex: readonly RegExp[];
  readonly noMatchRegex: readonly RegExp[];
  /** Any of these; empty: every status will do. */
  readonly statuses: readonly number[];
  readonly responseContains: string | undefined;
  /** True: no response can be read. False: one can. */
  readonly expectError: boolean | undefined;
}

/** One request of a test and what is to come of it. */
export interface Stage {
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The response to HEAD ends with its head. */
  readonly isHead: boolean;
  readonly expectation: Expectation;
}

/** One test; its stages run one after the other. */
export interface CrsTest {
  /** `941100-3`, as the suite counts. */
  readonly title: string;
  readonly ruleId: number;
  readonly description: string;
  readonly stages: readonly Stage[];
}

/** Where rules and tests are: `CRS_DIR`, or the folder next to the repository; undefined when neither exists. */
export function crsFolder(): string | undefined {
  const beside = fileURLToPath(
    new URL("../../../../shared/data/crs", import.meta.url),
  );
  const folder = Deno.env.get("CRS_DIR") ?? beside;
  try {
    return Deno.statSync(`${folder}/rules`).isDirectory ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** What to say when there is nothing to run. */
export const NO_CRS =
  "The OWASP Core Rule Set is not here (set CRS_DIR to a folder with rules/ and tests/): skipped.";

/** All tests below `folder`/tests, in the order of their titles; throws on a file that is not of the format. */
export function readSuite(folder: string): CrsTest[] {
  const tests: CrsTest[] = [];
  for (const path of yamlFiles(`${folder}/tests`)) {
    try {
      tests.push(...readTests(Deno.readTextFileSync(path)));
    } catch (cause) {
      throw new Error(`Cannot read ${path}`, { cause });
    }
  }
  return tests.sort((a, b) => a.title.localeCompare(b.title, "en", { numeric: true }));
}

function yamlFiles(folder: string): string[] {
  const paths: string[] = [];
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) paths.push(...yamlFiles(path));
    else if (/\.ya?ml$/.test(entry.name)) paths.push(path);
  }
  return paths.sort();
}

/** The tests of one file. */
export function readTests(text: string): CrsTest[] {
  const parsed: unknown = parse(text);
  // A file of nothing but comments stands for a rule that cannot be tested.
  if (parsed === null) return [];
  const file = record(parsed, "file");
  const meta = record(file["meta"] ?? {}, "meta");
  if (meta["enabled"] === false) return [];
  const ruleId = Number(file["rule_id"]);
  if (!Number.isInteger(ruleId)) throw new Error("rule_id is not a number");
  return list(file["tests"], "tests").map((each) => {
    const test = record(each, "test");
    return {
      title: `${ruleId}-${test["test_id"]}`,
      ruleId,
      description: String(test["desc"] ?? ""),
      stages: list(test["stages"], "stages").map(readStage),
    };
  });
}

function readStage(value: unknown): Stage {
  // Older files have one more level named `stage`.
  const outer = record(value, "stage");
  const stage = outer["stage"] === undefined ? outer : record(outer["stage"], "stage");
  const input = record(stage["input"], "input");
  const bytes = requestBytes(readInput(input));
  const method = new TextDecoder().decode(bytes.subarray(0, 5));
  return {
    bytes,
    isHead: method === "HEAD ",
    expectation: readOutput(record(stage["output"] ?? {}, "output")),
  };
}

function readInput(input: Readonly<Record<string, unknown>>): RequestSpec {
  const ordered = input["ordered_headers"];
  const headers = ordered === undefined
    ? Object.entries(record(input["headers"] ?? {}, "headers"))
    : list(ordered, "ordered_headers").map((each) => {
      const pair = record(each, "header");
      return [String(pair["name"]), pair["value"]] as const;
    });
  const encoded = input["encoded_request"];
  const data = input["data"];
  return {
    method: String(input["method"] ?? "GET"),
    uri: String(input["uri"] ?? "/"),
    version: String(input["version"] ?? "HTTP/1.1"),
    headers: headers.map(([name, value]) => [name, String(value ?? "")]),
    data: data === undefined || data === null ? "" : String(data),
    encodedRequest: encoded === undefined || encoded === "" ? undefined : String(encoded),
    autocomplete: input["autocomplete_headers"] !== false &&
      input["stop_magic"] !== true,
  };
}

function readOutput(output: Readonly<Record<string, unknown>>): Expectation {
  const log = record(output["log"] ?? {}, "log");
  const expressions = (...values: readonly unknown[]) =>
    values.filter((each) => each !== undefined).map((each) => new RegExp(String(each)));
  const error = output["expect_error"];
  const statuses = output["status"];
  return {
    expectIds: numbers(log["expect_ids"]),
    noExpectIds: numbers(log["no_expect_ids"]),
    matchRegex: expressions(log["match_regex"], output["log_contains"]),
    noMatchRegex: expressions(log["no_match_regex"], output["no_log_contains"]),
    statuses: numbers(
      Array.isArray(statuses) || statuses === undefined ? statuses : [statuses],
    ),
    responseContains: output["response_contains"] === undefined
      ? undefined
      : String(output["response_contains"]),
    expectError: typeof error === "boolean" ? error : undefined,
  };
}

function numbers(value: unknown): number[] {
  return value === undefined || value === null ? [] : list(value, "list of numbers").map(Number);
}

function record(
  value: unknown,
  what: string,
): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error(`${what} is not a mapping`);
  }
  return value as Record<string, unknown>;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}
