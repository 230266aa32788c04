import assert from "node:assert/strict";
import { listOf, pairs, shortBytes, shortCount, table, visible } from "./agent_table.ts";

Deno.test("tables: columns are aligned, and nothing trails", () => {
  assert.equal(
    table(["A", "BB", "C"], [["1", "2", ""], ["long", "x", "end"]]),
    "A     BB  C\n1     2\nlong  x   end",
  );
  assert.equal(pairs([["a", "1"], ["long", "2"], ["none", ""]]), "a     1\nlong  2\nnone");
  assert.equal(pairs([]), "");
});

Deno.test("tables: short forms lose nothing that matters", () => {
  for (
    const [count, want] of [
      [0, "0"],
      [999, "999"],
      [1000, "1k"],
      [1500, "1.5k"],
      [1234, "1234"],
      [10_000_000, "10M"],
      [2_000_000_000, "2G"],
    ] as const
  ) {
    assert.equal(shortCount(count), want);
  }
  for (const [bytes, want] of [[0, "0 B"], [1023, "1023 B"], [1024, "1 KiB"], [8295, "8.1 KiB"]] as const) {
    assert.equal(shortBytes(bytes), want);
  }
  assert.equal(shortBytes(64 * 1024 * 1024), "64 MiB");
  assert.equal(shortBytes(5000 * 1024 ** 3), "5000 GiB");
  assert.equal(listOf([]), "-");
});

Deno.test("tables: what an agent wrote cannot command the terminal", () => {
  assert.equal(visible("a\x1b[2J\nb\x9b\x7fé"), "a\\x1b[2J\\x0ab\\x9b\\x7fé");
});
