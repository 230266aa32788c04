/**
 * WASI 0.2 as an agent may have it: a world without files, network, environment or input. Toolchains that bring a
 * language runtime import it whether they need it or not, so the functions are there and answer truthfully that
 * there is nothing. What an agent prints goes to its log, bounded; clocks and random numbers come from the host.
 */

import { AgentTrap, type CoreFunction, type CoreImports, type Guest } from "../guest.ts";

/** What the denied world needs from the host. */
export interface DenyAllPorts {
  /** The instance that calls; asked at each call, as imports exist before the instance does. */
  guest(): Pick<Guest, "memory" | "realloc">;
  /** Takes fuel from the instance that calls; none while it is being made, which has a budget of its own. */
  charge(units: number): void;
  /** Unix time in milliseconds. */
  wallMs(): number;
  /** Milliseconds that only grow, with fractions. */
  monotonicMs(): number;
  /** Fills the array with random bytes. */
  fillRandom(bytes: Uint8Array<ArrayBuffer>): void;
  /** What to throw in place of an error: the instance gives no result after it, even if the guest catches it. */
  failed(cause: unknown, where: string): unknown;
  /** Takes what the agent printed: a piece of text, not always a whole line. */
  print(stream: "stdout" | "stderr", text: string): void;
  /** Bytes an instance may print in its life; the rest is dropped, and the log says so once. Default 65536. */
  readonly printBytesMax?: number;
}

/** Longest list that the host makes for the guest in one call. */
const RANDOM_BYTES_MAX = 65_536;
/** What a stream says it has room for, and takes, in one call. */
const WRITE_BYTES_MAX = 4096;
/** Fuel for any call, for a write that is not empty, and for a byte of it. A unit is worth 2 nanoseconds at most. */
const CALL_FUEL = 150;
const WRITE_FUEL = 2000;
const WRITTEN_BYTE_FUEL = 1;
/** Fuel for 8 random bytes that are asked for alone, and for a byte of many. */
const RANDOM_WORD_FUEL = 1000;
const RANDOM_BYTE_FUEL = 4;

/** There is one of each, so handles are constants and dropping them does nothing. */
const HANDLES = { stdin: 1, stdout: 2, stderr: 3, pollable: 4 };

/** `error-code.bad-descriptor` of wasi:filesystem: no descriptor was ever given out. */
const BAD_DESCRIPTOR = 3;
/** `stream-error.closed` of wasi:io. */
const CLOSED = 1;
/** A pointer to no elements: aligned for whatever they would be. */
const NOWHERE = 8;

/** Methods of `descriptor`, by the offset of the error code in their result, which the type of the success decides. */
const DESCRIPTOR_METHODS: Readonly<Record<number, readonly string[]>> = {
  1: [
    "advise",
    "create-directory-at",
    "get-flags",
    "get-type",
    "link-at",
    "remove-directory-at",
    "rename-at",
    "set-size",
    "set-times",
    "set-times-at",
    "symlink-at",
    "sync",
    "sync-data",
    "unlink-file-at",
  ],
  4: [
    "append-via-stream",
    "open-at",
    "read",
    "read-directory",
    "read-via-stream",
    "readlink-at",
    "write-via-stream",
  ],
  8: ["metadata-hash", "metadata-hash-at", "stat", "stat-at", "write"],
};

/**
 * Makes the core functions of the denied world for one instance, keyed by full name without version, such as
 * `wasi:cli/environment#get-environment`. What would wait, end the process or load code traps with kind `denied`;
 * interfaces that are not here (sockets, HTTP) are not granted at all.
 */
export function denyAll(ports: DenyAllPorts): CoreImports {
  const functions = [
    ...environment(ports),
    ...streams(ports),
    ...clocks(ports),
    ...random(ports),
    ...files(ports),
    ...denied(["wasi:io/poll#poll", "wasi:io/error#[method]error.to-debug-string"]),
    ...denied(["wasi:cli/exit#exit", "wasi:cli/exit#exit-with-code"]),
    // The module loader of componentize-qjs, which has done its work when the component is built.
    ...denied(["local:init/module-loader#resolve", "local:init/module-loader#load"]),
  ];
  return new Map(functions.map(([name, call]) => [name, watched(ports, name, call)]));
}

function watched(ports: DenyAllPorts, name: string, call: CoreFunction): CoreFunction {
  return (...args) => {
    try {
      ports.charge(CALL_FUEL);
      return call(...args);
    } catch (cause) {
      throw ports.failed(cause, name);
    }
  };
}

type Entries = [string, CoreFunction][];
type Argument = number | bigint | undefined;

function* denied(names: readonly string[]): Generator<[string, CoreFunction]> {
  for (const name of names) {
    yield [name, () => {
      throw new AgentTrap("denied", `It called ${name}, which no agent may`);
    }];
  }
}

/** A view of the guest's memory from a pointer of its own, so that a lie about it becomes a trap. */
function view(ports: DenyAllPorts, at: Argument, length: number): DataView {
  const start = Number(at ?? 0) >>> 0;
  const { buffer } = ports.guest().memory;
  if (start + length > buffer.byteLength) {
    throw new AgentTrap("malformed", `It passed WASI ${length} bytes at ${start}, beyond its memory`);
  }
  return new DataView(buffer, start, length);
}

function emptyList(ports: DenyAllPorts): CoreFunction {
  return (result) => {
    const out = view(ports, result, 8);
    out.setUint32(0, NOWHERE, true);
    out.setUint32(4, 0, true);
  };
}

/** Answers `none`, or a `result` without error whose success carries nothing. */
function zeroByte(ports: DenyAllPorts): CoreFunction {
  return (...args) => view(ports, args.at(-1), 1).setUint8(0, 0);
}

/** Answers the error `code` of a `result`, behind its discriminant by `offset`. */
function failure(ports: DenyAllPorts, offset: number, code: number): CoreFunction {
  return (...args) => {
    const out = view(ports, args.at(-1), offset + 1);
    out.setUint8(0, 1);
    out.setUint8(offset, code);
  };
}

const nothing: CoreFunction = () => {};

function environment(ports: DenyAllPorts): Entries {
  return [
    ["wasi:cli/environment#get-environment", emptyList(ports)],
    ["wasi:cli/environment#get-arguments", emptyList(ports)],
    ["wasi:cli/environment#initial-cwd", zeroByte(ports)],
    ["wasi:cli/stdin#get-stdin", () => HANDLES.stdin],
    ["wasi:cli/stdout#get-stdout", () => HANDLES.stdout],
    ["wasi:cli/stderr#get-stderr", () => HANDLES.stderr],
    ["wasi:cli/terminal-stdin#get-terminal-stdin", zeroByte(ports)],
    ["wasi:cli/terminal-stdout#get-terminal-stdout", zeroByte(ports)],
    ["wasi:cli/terminal-stderr#get-terminal-stderr", zeroByte(ports)],
    ["wasi:cli/terminal-input#[resource-drop]terminal-input", nothing],
    ["wasi:cli/terminal-output#[resource-drop]terminal-output", nothing],
  ];
}

function streams(ports: DenyAllPorts): Entries {
  const write = printer(ports);
  const ended = failure(ports, 4, CLOSED);
  const input = "wasi:io/streams#[method]input-stream.";
  const output = "wasi:io/streams#[method]output-stream.";
  return [
    [`${input}read`, ended],
    [`${input}blocking-read`, ended],
    [`${input}skip`, failure(ports, 8, CLOSED)],
    [`${input}blocking-skip`, failure(ports, 8, CLOSED)],
    [`${input}subscribe`, () => HANDLES.pollable],
    [`${output}check-write`, (_self, result) => {
      const out = view(ports, result, 16);
      out.setUint8(0, 0);
      out.setBigUint64(8, BigInt(WRITE_BYTES_MAX), true);
    }],
    [`${output}write`, write],
    [`${output}blocking-write-and-flush`, write],
    [`${output}flush`, zeroByte(ports)],
    [`${output}blocking-flush`, zeroByte(ports)],
    [`${output}subscribe`, () => HANDLES.pollable],
    ["wasi:io/streams#[resource-drop]input-stream", nothing],
    ["wasi:io/streams#[resource-drop]output-stream", nothing],
    ["wasi:io/error#[resource-drop]error", nothing],
    ["wasi:io/poll#[method]pollable.ready", () => 1],
    ["wasi:io/poll#[method]pollable.block", nothing],
    ["wasi:io/poll#[resource-drop]pollable", nothing],
  ];
}

function printer(ports: DenyAllPorts): CoreFunction {
  const decoder = new TextDecoder();
  let bytesLeft = ports.printBytesMax ?? 65_536;
  return (...args) => {
    const [self, at, length, result] = args;
    const asked = Number(length) >>> 0;
    if (asked > WRITE_BYTES_MAX) {
      throw new AgentTrap("malformed", `It wrote ${asked} bytes where there was room for ${WRITE_BYTES_MAX}`);
    }
    const written = view(ports, at, asked);
    view(ports, result, 1).setUint8(0, 0);
    if (asked === 0) return;
    ports.charge(WRITE_FUEL + asked * WRITTEN_BYTE_FUEL);
    if (bytesLeft === 0) return;
    const taken = Math.min(asked, bytesLeft);
    bytesLeft -= taken;
    const stream = self === HANDLES.stderr ? "stderr" : "stdout";
    ports.print(stream, decoder.decode(new Uint8Array(written.buffer, written.byteOffset, taken)));
    if (bytesLeft === 0) ports.print("stderr", "(this instance printed too much: the rest is dropped)");
  };
}

function clocks(ports: DenyAllPorts): Entries {
  const datetime = (result: Argument, ms: number) => {
    const out = view(ports, result, 12);
    out.setBigUint64(0, BigInt(Math.floor(ms / 1000)), true);
    out.setUint32(8, Math.floor(ms % 1000) * 1_000_000, true);
  };
  return [
    ["wasi:clocks/wall-clock#now", (result) => datetime(result, ports.wallMs())],
    ["wasi:clocks/wall-clock#resolution", (result) => datetime(result, 1)],
    ["wasi:clocks/monotonic-clock#now", () => BigInt(Math.floor(ports.monotonicMs() * 1e6))],
    ["wasi:clocks/monotonic-clock#resolution", () => 1000n],
    ["wasi:clocks/monotonic-clock#subscribe-duration", () => HANDLES.pollable],
    ["wasi:clocks/monotonic-clock#subscribe-instant", () => HANDLES.pollable],
  ];
}

function random(ports: DenyAllPorts): Entries {
  const word = (): bigint => {
    ports.charge(RANDOM_WORD_FUEL);
    const bytes = new Uint8Array(8);
    ports.fillRandom(bytes);
    return new DataView(bytes.buffer).getBigInt64(0, true);
  };
  const seed: CoreFunction = (result) => {
    const out = view(ports, result, 16);
    out.setBigInt64(0, word(), true);
    out.setBigInt64(8, word(), true);
  };
  return [
    ["wasi:random/random#get-random-bytes", randomBytes(ports)],
    ["wasi:random/random#get-random-u64", word],
    ["wasi:random/insecure#get-insecure-random-bytes", randomBytes(ports)],
    ["wasi:random/insecure#get-insecure-random-u64", word],
    ["wasi:random/insecure-seed#insecure-seed", seed],
  ];
}

function randomBytes(ports: DenyAllPorts): CoreFunction {
  return (count, result) => {
    const length = Number(BigInt.asUintN(64, BigInt(count ?? 0)));
    if (length > RANDOM_BYTES_MAX) {
      throw new AgentTrap(
        "malformed",
        `It asked for ${length} random bytes; at most ${RANDOM_BYTES_MAX} at once`,
      );
    }
    ports.charge(length * RANDOM_BYTE_FUEL);
    const at = length === 0 ? NOWHERE : ports.guest().realloc(0, 0, 1, length) >>> 0;
    if (length > 0) {
      const bytes = new Uint8Array(length);
      ports.fillRandom(bytes);
      const room = view(ports, at, length);
      new Uint8Array(room.buffer, room.byteOffset, length).set(bytes);
    }
    const out = view(ports, result, 8);
    out.setUint32(0, at, true);
    out.setUint32(4, length, true);
  };
}

function files(ports: DenyAllPorts): Entries {
  const types = "wasi:filesystem/types#";
  const methods = Object.entries(DESCRIPTOR_METHODS).flatMap(([offset, names]) =>
    names.map((name): [string, CoreFunction] => [
      `${types}[method]descriptor.${name}`,
      failure(ports, Number(offset), BAD_DESCRIPTOR),
    ])
  );
  return [
    ...methods,
    ["wasi:filesystem/preopens#get-directories", emptyList(ports)],
    [`${types}[method]descriptor.is-same-object`, () => 0],
    [`${types}[method]directory-entry-stream.read-directory-entry`, failure(ports, 4, BAD_DESCRIPTOR)],
    [`${types}filesystem-error-code`, zeroByte(ports)],
    [`${types}[resource-drop]descriptor`, nothing],
    [`${types}[resource-drop]directory-entry-stream`, nothing],
  ];
}
