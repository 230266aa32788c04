import { deepEqual, equal, match, ok } from "node:assert/strict";
import { LogFiles, wholeLinesEnd } from "./log_files.ts";

function rig() {
  const reports: string[] = [];
  let now = 0;
  const ticks: (() => void)[] = [];
  const logs = new LogFiles({
    timers: {
      after: () => () => {},
      every: (_, run) => {
        ticks.push(run);
        return () => {};
      },
    },
    clock: { nowMs: () => now },
    report: (message) => void reports.push(message),
  });
  return { logs, reports, passMs: (ms: number) => void (now += ms) };
}

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function linesOf(path: string): Promise<string[]> {
  const text = await Deno.readTextFile(path);
  ok(text === "" || text.endsWith("\n"), `${path} ends with a whole line`);
  return text.split("\n").slice(0, -1);
}

function exists(path: string): Promise<boolean> {
  return Deno.stat(path).then(() => true, () => false);
}

Deno.test("LogFiles: appends, makes folders, one sink per file", () =>
  inFolder(async (folder) => {
    const { logs } = rig();
    const path = `${folder}/a/b/access.log`;
    const sink = logs.sink(path, 0);
    equal(logs.sink(path, 0), sink);
    sink.write("one\n");
    sink.write("two\n");
    await logs.close();
    const again = rig().logs;
    again.sink(path, 1000).write("three\n");
    await again.close();
    deepEqual(await linesOf(path), ["one", "two", "three"]);
  }));

Deno.test("LogFiles: rotation under load puts every line into exactly one file", () =>
  inFolder(async (folder) => {
    const { logs, reports } = rig();
    const path = `${folder}/access.log`;
    const sink = logs.sink(path, 0);
    const rotations = 8;
    let number = 0;
    for (let rotation = 0; rotation < rotations; rotation++) {
      // At least as long as it takes the file to be there again.
      for (let burst = 0; burst < 40 || !(await exists(path)); burst++) {
        for (let line = 0; line < 25; line++) sink.write(`${number++} ${"x".repeat(20)}\n`);
        // Lets writes proceed, so that the rename falls between, before and into them.
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      await Deno.rename(path, `${path}.${rotation}`);
      logs.reopen();
    }
    for (let line = 0; line < 10; line++) sink.write(`${number++} end\n`);
    await logs.close();
    const seen: number[] = [];
    const names = [...Array(rotations).keys()].map((rotation) => `${path}.${rotation}`).concat(path);
    for (const name of names) seen.push(...(await linesOf(name)).map((line) => Number.parseInt(line)));
    deepEqual(seen, [...Array(number).keys()], "all of them, once, in order");
    deepEqual([sink.dropped, reports.length], [0, 0]);
  }));

Deno.test("LogFiles: two threads' worth of writers do not tear each other's lines", () =>
  inFolder(async (folder) => {
    const path = `${folder}/shared.log`;
    const all = [rig().logs, rig().logs];
    const sinks = all.map((logs) => logs.sink(path, 500));
    for (let line = 0; line < 3000; line++) {
      for (const [index, sink] of sinks.entries()) sink.write(`${index} ${line} ${"y".repeat(line % 90)}\n`);
      if (line % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 0));
    }
    for (const logs of all) await logs.close();
    const lines = await linesOf(path);
    equal(lines.length, 6000);
    for (const line of lines) match(line, /^[01] \d+ y*$/);
  }));

Deno.test("LogFiles: a file that cannot be opened is reported once a minute, its lines are counted", () =>
  inFolder(async (folder) => {
    const { logs, reports, passMs } = rig();
    await Deno.writeTextFile(`${folder}/file`, "");
    const path = `${folder}/file/access.log`;
    const sink = logs.sink(path, 0);
    for (let line = 0; line < 3; line++) {
      sink.write("x\n");
      await logs.flush();
    }
    equal(reports.length, 1);
    match(reports[0]!, /^Cannot open log ".*access\.log": /);
    passMs(59_999);
    sink.write("x\n");
    await logs.flush();
    equal(reports.length, 1, "just before a minute");
    passMs(1);
    sink.write("x\n");
    await logs.flush();
    match(reports[1]!, /\(and 3 more times since the last report\)$/);
    deepEqual([...logs.dropped()], [[path, 5]]);
    await Deno.remove(`${folder}/file`);
    sink.write("at last\n");
    await logs.close();
    deepEqual(await linesOf(path), ["at last"]);
  }));

Deno.test("LogFiles: when reopening fails the old file is written on", () =>
  inFolder(async (folder) => {
    const { logs, reports } = rig();
    const path = `${folder}/d/access.log`;
    const sink = logs.sink(path, 0);
    sink.write("one\n");
    await logs.flush();
    await Deno.rename(`${folder}/d`, `${folder}/old`);
    await Deno.writeTextFile(`${folder}/d`, "in the way");
    logs.reopen();
    sink.write("two\n");
    await logs.flush();
    equal(reports.length, 1);
    await Deno.remove(`${folder}/d`);
    sink.write("three\n");
    await logs.close();
    deepEqual(await linesOf(`${folder}/old/access.log`), ["one", "two"]);
    deepEqual(await linesOf(path), ["three"]);
    equal(sink.dropped, 0);
  }));

Deno.test("LogFiles: a disk that is full loses lines, not more", async () => {
  const { logs, reports } = rig();
  const sink = logs.sink("/dev/full", 0);
  sink.write("x\n");
  await logs.flush();
  equal(sink.dropped, 1);
  match(reports[0]!, /^Cannot write to log "\/dev\/full": /);
  await logs.close();
});

Deno.test("LogFiles: retain closes what is no longer named", () =>
  inFolder(async (folder) => {
    const { logs } = rig();
    const [kept, gone] = [logs.sink(`${folder}/kept`, 1000), logs.sink(`${folder}/gone`, 1000)];
    gone.write("last words\n");
    await logs.retain(new Set([`${folder}/kept`]));
    deepEqual(await linesOf(`${folder}/gone`), ["last words"]);
    deepEqual([...logs.dropped().keys()], [`${folder}/kept`]);
    equal(logs.sink(`${folder}/kept`, 1000), kept);
    await logs.close();
  }));

Deno.test("wholeLinesEnd: pieces that a pipe takes whole", () => {
  const line = (length: number) => "z".repeat(length - 1) + "\n";
  const tests = [
    { name: "fits", text: line(4096), want: [4096] },
    { name: "one byte more", text: line(4096) + "\n", want: [4096, 4097] },
    { name: "many lines", text: line(1000).repeat(9), want: [4000, 8000, 9000] },
    { name: "a long line goes alone", text: line(10) + line(5000) + line(10), want: [10, 5010, 5020] },
    { name: "no end of line", text: "z".repeat(5000), want: [5000] },
  ];
  for (const { name, text, want } of tests) {
    const bytes = new TextEncoder().encode(text);
    const ends: number[] = [];
    for (let start = 0; start < bytes.length;) ends.push(start = wholeLinesEnd(bytes, start));
    deepEqual(ends, want, name);
  }
});
