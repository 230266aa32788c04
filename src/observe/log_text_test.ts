import { deepEqual, equal, match, ok } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { errorText, jsonText, jsonValue, LOG_VALUE_CHARS_MAX, quotedText } from "./log_text.ts";
import { millisText, Timestamps } from "./timestamps.ts";

Deno.test("jsonText and quotedText", () => {
  const long = "a long text of more than sixteen characters";
  const tests = [
    { name: "plain", input: "abc", json: '"abc"', quoted: "abc" },
    { name: "long plain", input: long, json: `"${long}"`, quoted: long },
    { name: "empty", input: "", json: '""', quoted: "-" },
    { name: "quote", input: 'a"b', json: '"a\\"b"', quoted: "a\\x22b" },
    { name: "backslash", input: "a\\b", json: '"a\\\\b"', quoted: "a\\x5cb" },
    { name: "line feed", input: "a\nb", json: '"a\\u000ab"', quoted: "a\\x0ab" },
    {
      name: "carriage return in a long text",
      input: long + "\r",
      json: `"${long}\\u000d"`,
      quoted: long + "\\x0d",
    },
    { name: "terminal escape", input: "\x1b[31m", json: '"\\u001b[31m"', quoted: "\\x1b[31m" },
    { name: "delete", input: "\x7f", json: '"\\u007f"', quoted: "\\x7f" },
    { name: "byte", input: "\xe9", json: '"\\u00e9"', quoted: "\\xe9" },
    { name: "beyond bytes", input: "\u2028", json: '"\\u2028"', quoted: "\\u{2028}" },
  ];
  for (const { name, input, json, quoted } of tests) {
    equal(jsonText(input), json, name);
    equal(quotedText(input), quoted, name);
  }
  equal(quotedText(undefined), "-");
});

Deno.test("log text: whatever comes in, one ASCII line comes out and JSON reads it back", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 100 }), (text) => {
    match(jsonText(text), /^"[\x20-\x7e]*"$/);
    equal(JSON.parse(jsonText(text)), text);
    match(quotedText(text), /^[\x20\x21\x23-\x7e]+$/);
  }));
});

Deno.test("log text: values are cut at their bound", () => {
  const at = "x".repeat(LOG_VALUE_CHARS_MAX);
  equal(jsonText(at), `"${at}"`);
  equal(jsonText(at + "y"), `"${at}[cut]"`);
  equal(quotedText(at + "\n"), `${at}[cut]`);
});

Deno.test("jsonValue", () => {
  const loop: Record<string, unknown> = {};
  loop["self"] = loop;
  const tests = [
    { input: 1.5, want: "1.5" },
    { input: NaN, want: "null" },
    { input: true, want: "true" },
    { input: undefined, want: "null" },
    { input: null, want: "null" },
    { input: { a: [1] }, want: '"{\\"a\\":[1]}"' },
    { input: loop, want: '"[unprintable]"' },
    { input: 10n, want: '"10"' },
    { input: new TypeError("no"), want: '"TypeError: no"' },
  ];
  for (const { input, want } of tests) equal(jsonValue(input), want);
});

Deno.test("errorText: causes are followed, but not for ever", () => {
  equal(
    errorText(new Error("a", { cause: new Error("b", { cause: "c" }) })),
    "Error: a, caused by Error: b, caused by c",
  );
  const circle = new Error("round");
  circle.cause = circle;
  ok(errorText(circle).length < 200);
});

Deno.test("Timestamps: known instants, and turning back", () => {
  const times = new Timestamps();
  const tests = [
    { ms: 0, iso: "1970-01-01T00:00:00.000Z", common: "01/Jan/1970:00:00:00 +0000" },
    { ms: 1_763_800_000_007.9, iso: "2025-11-22T08:26:40.007Z", common: "22/Nov/2025:08:26:40 +0000" },
    { ms: 1_763_800_000_042, iso: "2025-11-22T08:26:40.042Z", common: "22/Nov/2025:08:26:40 +0000" },
    { ms: 1_763_800_000_999, iso: "2025-11-22T08:26:40.999Z", common: "22/Nov/2025:08:26:40 +0000" },
    { ms: 1_763_800_001_000, iso: "2025-11-22T08:26:41.000Z", common: "22/Nov/2025:08:26:41 +0000" },
    { ms: 1_763_800_000_042, iso: "2025-11-22T08:26:40.042Z", common: "22/Nov/2025:08:26:40 +0000" },
  ];
  for (const { ms, iso, common } of tests) deepEqual([times.iso(ms), times.common(ms)], [iso, common]);
  fc.assert(fc.property(fc.integer({ min: 0, max: 4e12 }), (ms) => {
    equal(times.iso(ms), new Date(ms).toISOString());
  }));
});

Deno.test("millisText", () => {
  const tests = [[0, "0.000"], [-1, "0.000"], [0.0004, "0.000"], [0.0005, "0.001"], [1.2345, "1.235"], [
    1.05,
    "1.050",
  ], [60_000, "60000.000"]] as const;
  for (const [input, want] of tests) equal(millisText(input), want);
});
