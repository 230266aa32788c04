import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { bindSentinel } from "../contract/sentinel_exports.ts";
import { lowerSentinelImports } from "../contract/sentinel_imports.ts";
import { SentinelInstance } from "../contract/sentinel_instance.ts";
import type { Imports, Request } from "../contract/sentinel_types.ts";
import { AgentLoadError, AgentTrap, type CoreImports, type Guest, type TrapKind } from "../guest.ts";

const REQUEST: Request = {
  id: () => "r1",
  method: () => "GET",
  target: () => "/a?b",
  path: () => "/a",
  query: () => "b",
  host: () => "h",
  header: (name) => name === "x" ? "y" : undefined,
  headers: () => [{ name: "x", value: "y" }],
  route: () => undefined,
  upstream: () => undefined,
  traceparent: () => "",
  metadata: () => undefined,
};

/** Where a result that is all zeros lies. */
const EMPTY_RESULT = 1024;

type Body = (imports: CoreImports, handle: number, memory: WebAssembly.Memory) => number;

interface Rig {
  readonly onRequest: () => unknown;
  readonly fuel: () => number;
  readonly memory: WebAssembly.Memory;
}

/** An agent whose `on-request-headers` is `body`. */
function rig(body: Body, { granted = {}, ...rest }: { granted?: Imports } & Partial<Guest> = {}): Rig {
  const instance = new SentinelInstance({ bytes: 4096, listLength: 16 });
  const imports = lowerSentinelImports(granted, instance);
  const memory = new WebAssembly.Memory({ initial: 1 });
  let fuel = 0;
  let next = 4096;
  const call = (handle: number | bigint) => body(imports, handle as number, memory);
  const guest: Guest = {
    memory,
    realloc: (...[, , align, size]) => {
      const at = Math.ceil(next / align) * align;
      next = at + size;
      return at;
    },
    functions: new Map([["request-handler#on-request-headers", { call, postReturn: undefined }]]),
    charge: (units) => {
      fuel += units;
    },
    ...rest,
  };
  const { requestHandler } = bindSentinel(guest, instance);
  return { onRequest: () => requestHandler!.onRequestHeaders(REQUEST), fuel: () => fuel, memory };
}

function trap(kind: TrapKind): (error: unknown) => boolean {
  return (error) => error instanceof AgentTrap && error.kind === kind;
}

Deno.test("instance: a getter's answer lies where the guest asked for it", () => {
  const heard: string[] = [];
  const { onRequest } = rig((imports, handle, memory) => {
    for (const name of ["id", "path"]) {
      imports.get(`http#[method]request.${name}`)!(handle, 64);
      const view = new DataView(memory.buffer);
      const bytes = new Uint8Array(memory.buffer, view.getUint32(64, true), view.getUint32(68, true));
      heard.push(new TextDecoder().decode(bytes));
    }
    return EMPTY_RESULT;
  });
  onRequest();
  deepEqual(heard, ["r1", "/a"]);
});

Deno.test("instance: only interfaces that the guest exports are bound", () => {
  const instance = new SentinelInstance({ bytes: 4096, listLength: 16 });
  const call = () => 0;
  const guest = (names: readonly string[]): Guest => ({
    memory: new WebAssembly.Memory({ initial: 1 }),
    realloc: () => 0,
    functions: new Map(names.map((name) => [name, { call, postReturn: undefined }])),
    charge: () => {},
  });
  const bound = bindSentinel(
    guest(["websocket-handler#ws-open", "websocket-handler#ws-frame", "websocket-handler#ws-close"]),
    instance,
  );
  deepEqual(Object.entries(bound).filter(([, value]) => value !== undefined).map(([name]) => name), [
    "websocketHandler",
  ]);
  throws(
    () => bindSentinel(guest(["websocket-handler#ws-open"]), instance),
    (error: unknown) => error instanceof AgentLoadError && /websocket-handler.*ws-frame/.test(error.message),
  );
});

Deno.test("instance: handles are good during their call alone", () => {
  let kept = 0;
  const stale = rig((imports, handle) => {
    imports.get("http#[method]request.path")!(kept || handle, 64);
    kept = handle;
    return EMPTY_RESULT;
  });
  stale.onRequest();
  throws(stale.onRequest, trap("malformed"));
});

Deno.test("instance: a dropped handle is gone", () => {
  const { onRequest } = rig((imports, handle) => {
    imports.get("http#[resource-drop]request")!(handle);
    imports.get("http#[method]request.path")!(handle, 64);
    return EMPTY_RESULT;
  });
  throws(onRequest, trap("malformed"));
});

Deno.test("instance: what is not granted traps as denied", () => {
  const { onRequest } = rig((imports) => {
    imports.get("log#write")!(0, 1, 0, 4, 0);
    return EMPTY_RESULT;
  });
  throws(onRequest, (error: unknown) => trap("denied")(error) && /log#write/.test((error as Error).message));
});

Deno.test("instance: a guest that catches an import's trap gets no further", () => {
  const { onRequest } = rig((imports) => {
    try {
      imports.get("clock#wall-ms")!();
    } catch {
      // The guest carries on.
    }
    return EMPTY_RESULT;
  });
  throws(onRequest, trap("denied"));
});

Deno.test("instance: an import that fails is the host's fault, with its cause", () => {
  const cause = new TypeError("no clock");
  const clock = {
    wallMs: () => {
      throw cause;
    },
    monotonicMs: () => 0,
  };
  const { onRequest } = rig((imports) => {
    imports.get("clock#wall-ms")!();
    return EMPTY_RESULT;
  }, { granted: { clock } });
  throws(onRequest, (error: unknown) => trap("host")(error) && (error as Error).cause === cause);
});

Deno.test("instance: a trap of the guest passes as it is", () => {
  const cause = new WebAssembly.RuntimeError("unreachable");
  const { onRequest } = rig(() => {
    throw cause;
  });
  throws(onRequest, (error: unknown) => error === cause);
});

Deno.test("instance: stack overflow in an import is the guest's", () => {
  const overflow = (): number => overflow() + 1;
  const clock = { wallMs: overflow, monotonicMs: () => 0 };
  const { onRequest } = rig((imports) => {
    imports.get("clock#wall-ms")!();
    return EMPTY_RESULT;
  }, { granted: { clock } });
  throws(onRequest, (error: unknown) => error instanceof RangeError);
});

Deno.test("instance: an allocation may not call imports", () => {
  let during: CoreImports | undefined;
  let lent = 0;
  const { onRequest } = rig((imports, handle) => {
    during = imports;
    lent = handle;
    imports.get("http#[method]request.path")!(handle, 64);
    return EMPTY_RESULT;
  }, {
    realloc: () => {
      during!.get("http#[method]request.id")!(lent, 64);
      return 4096;
    },
  });
  throws(
    onRequest,
    (error: unknown) => trap("malformed")(error) && /allocated/.test((error as Error).message),
  );
});

Deno.test("instance: an import that calls the agent again is refused", () => {
  const again: { call?: () => unknown } = {};
  const clock = {
    wallMs: () => {
      again.call!();
      return 0;
    },
    monotonicMs: () => 0,
  };
  const { onRequest } = rig((imports) => {
    imports.get("clock#wall-ms")!();
    return EMPTY_RESULT;
  }, { granted: { clock } });
  again.call = onRequest;
  throws(
    onRequest,
    (error: unknown) => trap("host")(error) && /entered twice/.test((error as Error).message),
  );
});

Deno.test("instance: post-return frees the result, and may not call imports", () => {
  const freed: unknown[] = [];
  const instance = new SentinelInstance({ bytes: 4096, listLength: 16 });
  const imports = lowerSentinelImports({}, instance);
  const memory = new WebAssembly.Memory({ initial: 1 });
  let misbehave = false;
  const postReturn = (pointer: number | bigint) => {
    freed.push(pointer);
    if (misbehave) imports.get("http#[method]request.id")!(1, 64);
  };
  const call = () => EMPTY_RESULT;
  const { lifecycle } = bindSentinel({
    memory,
    realloc: () => 4096,
    functions: new Map(
      ["describe", "configure", "health", "drain", "shutdown"].map((
        name,
      ) => [`lifecycle#${name}`, { call, postReturn }]),
    ),
    charge: () => {},
  }, instance);
  deepEqual(lifecycle!.describe(), { id: "", version: "", summary: "" });
  deepEqual(freed, [EMPTY_RESULT]);
  misbehave = true;
  throws(
    () => lifecycle!.describe(),
    (error: unknown) => trap("malformed")(error) && /freed/.test((error as Error).message),
  );
});

Deno.test("instance: imports cost fuel by call, string and byte", () => {
  const cost = (body: Body) => {
    const { onRequest, fuel } = rig(body);
    onRequest();
    return fuel();
  };
  const none = cost(() => EMPTY_RESULT);
  const path = cost((imports, handle) => {
    imports.get("http#[method]request.path")!(handle, 64);
    return EMPTY_RESULT;
  });
  const headers = cost((imports, handle) => {
    imports.get("http#[method]request.headers")!(handle, 64);
    return EMPTY_RESULT;
  });
  equal(none, 0);
  ok(path >= 100, `${path}`);
  ok(headers > path, `${headers}`);
});

Deno.test("instance: fuel that runs out in an import ends the call", () => {
  const { onRequest } = rig((imports, handle) => {
    try {
      imports.get("http#[method]request.path")!(handle, 64);
    } catch {
      // The guest carries on.
    }
    return EMPTY_RESULT;
  }, {
    charge: () => {
      throw new AgentTrap("fuel", "the budget is used up");
    },
  });
  throws(onRequest, trap("fuel"));
});

Deno.test("instance: nothing can be called before the instance is there", () => {
  const instance = new SentinelInstance({ bytes: 4096, listLength: 16 });
  const imports = lowerSentinelImports({ clock: { wallMs: () => 1, monotonicMs: () => 1 } }, instance);
  throws(() => imports.get("clock#wall-ms")!(), trap("malformed"));
});

Deno.test("instance: a return pointer outside of the memory is refused before the host is asked", () => {
  let asked = 0;
  const random = {
    word: () => 0,
    bytes: () => {
      asked++;
      return new Uint8Array(1);
    },
  };
  const { onRequest } = rig((imports) => {
    imports.get("random#bytes")!(1, 65_532);
    return EMPTY_RESULT;
  }, { granted: { random } });
  throws(onRequest, trap("malformed"));
  equal(asked, 0);
});

Deno.test("instance: memory that the guest grew is seen in results and imports", () => {
  const { onRequest } = rig((imports, handle, memory) => {
    memory.grow(1);
    imports.get("http#[method]request.path")!(handle, 65_536);
    memory.grow(1);
    return 2 * 65_536;
  });
  onRequest();
});
