import assert from "node:assert/strict";
import { REDACTED, sanitize } from "./sanitize.ts";

Deno.test("sanitize: replaces the values of secret names and leaves the rest", () => {
  const cases: { name: string; input: unknown; want: unknown }[] = [
    { name: "plain data", input: { a: [1, true, null, "x"] }, want: { a: [1, true, null, "x"] } },
    { name: "option", input: { password: "p", apiKey: "k" }, want: { password: REDACTED, apiKey: REDACTED } },
    { name: "pair", input: [["Authorization", "Basic x"]], want: [["Authorization", REDACTED]] },
    { name: "harmless pair", input: [["X-Team", "blue"]], want: [["X-Team", "blue"]] },
    {
      name: "named value",
      input: { name: "X-Api-Key", value: "k" },
      want: { name: "X-Api-Key", value: REDACTED },
    },
    {
      name: "lists of names stay",
      input: { redactHeaders: ["cookie"] },
      want: { redactHeaders: ["cookie"] },
    },
    { name: "user info in a URL", input: "http://u:p@h/x", want: `http://${REDACTED}@h/x` },
    { name: "an at sign in a path", input: "http://h/x@y", want: "http://h/x@y" },
  ];
  for (const { name, input, want } of cases) assert.deepEqual(sanitize(input), want, name);
});
