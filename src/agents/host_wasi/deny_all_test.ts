import assert from "node:assert/strict";
import { AgentTrap } from "../guest.ts";
import { denyAll, type DenyAllPorts } from "./deny_all.ts";

/** A denied world over one page of memory filled with ones, so that every byte it writes shows. */
function stage(limits: Partial<DenyAllPorts> = {}) {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const bytes = new Uint8Array(memory.buffer).fill(0xff);
  const printed: string[] = [];
  const failures: string[] = [];
  const seen = { fuel: 0 };
  const imports = denyAll({
    guest: () => ({ memory, realloc: () => 4096 }),
    charge: (units) => void (seen.fuel += units),
    wallMs: () => 1_700_000_000_250,
    monotonicMs: () => 12.5,
    fillRandom: (target) => void target.fill(7),
    failed: (cause, where) => {
      failures.push(where);
      return cause;
    },
    print: (stream, text) => void printed.push(`${stream}: ${text}`),
    ...limits,
  });
  const call = (name: string, ...args: (number | bigint)[]) => {
    const found = imports.get(name);
    assert.ok(found, `${name} is not there`);
    return found(...args);
  };
  const at = (start: number, length: number) => [...bytes.subarray(start, start + length)];
  const put = (start: number, text: string) => bytes.set(new TextEncoder().encode(text), start);
  return { call, at, put, printed, seen, failures, imports };
}

Deno.test("the environment, the arguments and the directories are empty lists", () => {
  const { call, at } = stage();
  const lists = ["cli/environment#get-environment", "cli/environment#get-arguments"];
  for (const name of [...lists, "filesystem/preopens#get-directories"]) {
    call(`wasi:${name}`, 16);
    assert.deepEqual(at(16, 9), [8, 0, 0, 0, 0, 0, 0, 0, 0xff], name);
  }
});

Deno.test("there is no terminal and no working directory", () => {
  const { call, at } = stage();
  const options = ["terminal-stdin#get-terminal-stdin", "terminal-stdout#get-terminal-stdout"];
  for (const name of [...options, "terminal-stderr#get-terminal-stderr", "environment#initial-cwd"]) {
    call(`wasi:cli/${name}`, 32);
    assert.deepEqual(at(32, 2), [0, 0xff], name);
  }
});

Deno.test("a descriptor that was forged is a bad one, where the type of the result puts the code", () => {
  const cases = [
    { name: "get-flags", args: [], offset: 1 },
    { name: "open-at", args: [0, 0, 0, 0, 0], offset: 4 },
    { name: "read-via-stream", args: [0n], offset: 4 },
    { name: "stat", args: [], offset: 8 },
    { name: "metadata-hash", args: [], offset: 8 },
  ];
  for (const { name, args, offset } of cases) {
    const { call, at } = stage();
    call(`wasi:filesystem/types#[method]descriptor.${name}`, 9, ...args, 64);
    assert.equal(at(64, 1)[0], 1, name);
    assert.equal(at(64 + offset, 1)[0], 3, name);
  }
});

Deno.test("input has ended, output is printed and costs fuel", () => {
  const { call, at, put, printed, seen } = stage();
  call("wasi:io/streams#[method]input-stream.read", 1, 100n, 0);
  assert.deepEqual([at(0, 1)[0], at(4, 1)[0]], [1, 1]);
  put(256, "hello");
  call("wasi:io/streams#[method]output-stream.check-write", 2, 16);
  assert.deepEqual(at(16, 1), [0]);
  assert.deepEqual(at(24, 8), [0, 16, 0, 0, 0, 0, 0, 0]);
  call("wasi:io/streams#[method]output-stream.write", 2, 256, 5, 64);
  call("wasi:io/streams#[method]output-stream.blocking-write-and-flush", 3, 256, 4, 64);
  assert.deepEqual(printed, ["stdout: hello", "stderr: hell"]);
  assert.deepEqual(at(64, 1), [0]);
  assert.equal(seen.fuel, 4 * 150 + 2 * 2000 + 9);
});

Deno.test("an empty write prints nothing, and answers all the same", () => {
  const { call, at, printed, seen } = stage();
  call("wasi:io/streams#[method]output-stream.write", 2, 256, 0, 64);
  assert.deepEqual(at(64, 2), [0, 0xff]);
  assert.deepEqual(printed, []);
  assert.equal(seen.fuel, 150);
});

Deno.test("every call costs fuel, and random numbers more", () => {
  const cases: { name: string; args: (number | bigint)[]; want: number }[] = [
    { name: "cli/stdout#get-stdout", args: [], want: 150 },
    { name: "clocks/wall-clock#now", args: [0], want: 150 },
    { name: "io/poll#[resource-drop]pollable", args: [4], want: 150 },
    { name: "random/random#get-random-u64", args: [], want: 1150 },
    { name: "random/insecure-seed#insecure-seed", args: [0], want: 2150 },
    { name: "random/random#get-random-bytes", args: [0n, 0], want: 150 },
    { name: "random/random#get-random-bytes", args: [100n, 0], want: 550 },
  ];
  for (const { name, args, want } of cases) {
    const { call, seen } = stage();
    call(`wasi:${name}`, ...args);
    assert.equal(seen.fuel, want, `${name}(${args})`);
  }
});

Deno.test("a call that cannot be paid does nothing, and is a failure like any other", () => {
  const { call, at, failures } = stage({
    charge() {
      throw new AgentTrap("fuel", "none is left");
    },
  });
  assert.throws(() => call("wasi:clocks/wall-clock#now", 0), { name: "AgentTrap", kind: "fuel" });
  assert.deepEqual([at(0, 1), failures], [[0xff], ["wasi:clocks/wall-clock#now"]]);
});

Deno.test("what is printed above the limit is dropped, and the log says so once", () => {
  const { call, put, printed } = stage({ printBytesMax: 7 });
  put(256, "hello");
  for (let i = 0; i < 100; i++) call("wasi:io/streams#[method]output-stream.write", 2, 256, 5, 64);
  const note = "stderr: (this instance printed too much: the rest is dropped)";
  assert.deepEqual(printed, ["stdout: hello", "stdout: he", note]);
});

Deno.test("pointers beyond the memory and lengths above the room are traps", () => {
  const { call } = stage();
  const write = "wasi:io/streams#[method]output-stream.write";
  const cases: [string, (number | bigint)[]][] = [
    ["wasi:cli/environment#get-environment", [65_529]],
    ["wasi:cli/environment#get-environment", [-4]],
    [write, [2, 65_530, 100, 0]],
    [write, [2, 0, 4097, 0]],
    [write, [2, 0, -1, 0]],
    ["wasi:random/random#get-random-bytes", [65_537n, 0]],
    ["wasi:random/random#get-random-bytes", [-1n, 0]],
  ];
  for (const [name, args] of cases) {
    assert.throws(
      () => call(name, ...args),
      (error) => error instanceof AgentTrap && error.kind === "malformed",
      `${name}(${args})`,
    );
  }
});

Deno.test("clocks and random numbers are the host's", () => {
  const { call, at } = stage();
  call("wasi:clocks/wall-clock#now", 0);
  const out = new DataView(Uint8Array.from(at(0, 12)).buffer);
  assert.equal(out.getBigUint64(0, true), 1_700_000_000n);
  assert.equal(out.getUint32(8, true), 250_000_000);
  assert.equal(call("wasi:clocks/monotonic-clock#now"), 12_500_000n);
  assert.equal(call("wasi:random/random#get-random-u64"), 0x0707070707070707n);
  call("wasi:random/random#get-random-bytes", 3n, 128);
  assert.deepEqual(at(4095, 5), [0xff, 7, 7, 7, 0xff]);
  assert.deepEqual(at(128, 8), [0, 16, 0, 0, 3, 0, 0, 0]);
  call("wasi:random/random#get-random-bytes", 0n, 128);
  assert.deepEqual(at(132, 4), [0, 0, 0, 0]);
});

Deno.test("what would wait, end the process or load code is denied", () => {
  const { call, imports, failures } = stage();
  const names = ["wasi:cli/exit#exit", "wasi:io/poll#poll", "local:init/module-loader#load"];
  for (const name of names) {
    assert.throws(() => call(name, 0), (error) => error instanceof AgentTrap && error.kind === "denied");
  }
  assert.deepEqual(failures, names);
  assert.equal(imports.has("wasi:sockets/tcp#[method]tcp-socket.start-connect"), false);
});
