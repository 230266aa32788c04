import { strictEqual as equal } from "node:assert/strict";
import { parseBytes, parseDurationMs } from "./units.ts";

const sizes: { input: string; want: number | undefined }[] = [
  { input: "0", want: 0 },
  { input: "4096", want: 4096 },
  { input: "1KB", want: 1024 },
  { input: "1 kib", want: 1024 },
  { input: "10MB", want: 10 * 1024 * 1024 },
  { input: "1.5M", want: 1.5 * 1024 * 1024 },
  { input: "2GB", want: 2 * 1024 ** 3 },
  { input: "0.0001KB", want: 0 },
  { input: "999999999999999G", want: undefined },
  { input: "-1", want: undefined },
  { input: "1e3", want: undefined },
  { input: "10 parsecs", want: undefined },
  { input: "10constructor", want: undefined },
  { input: "MB", want: undefined },
  { input: "", want: undefined },
];

for (const { input, want } of sizes) {
  Deno.test(`size ${JSON.stringify(input)}`, () => equal(parseBytes(input), want));
}

const durations: { input: string; want: number | undefined }[] = [
  { input: "500ms", want: 500 },
  { input: "30s", want: 30_000 },
  { input: "1.5h", want: 5_400_000 },
  { input: "2 days", want: 172_800_000 },
  { input: "5 MIN", want: 300_000 },
  { input: "5", want: undefined },
  { input: "5x", want: undefined },
  { input: "-5s", want: undefined },
  { input: "1m30s", want: undefined },
];

for (const { input, want } of durations) {
  Deno.test(`duration ${JSON.stringify(input)}`, () => equal(parseDurationMs(input), want));
}
