/** The SDK from the inside: an agent that calls its parts, against what JavaScript makes of the same input. */

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { buildAgent } from "../build.ts";
import { FakeHost, type Grant } from "../testing/fake_host.ts";
import { loadAgent, type TestAgent } from "../testing/load_agent.ts";
import { request, type RequestParts } from "../testing/messages.ts";

const PROBE = (await buildAgent(new URL("probe/", import.meta.url))).component;
const ALL: readonly Grant[] = ["assets", "clock", "conn-info", "crypto", "kv", "random"];

async function ask(agent: TestAgent, path: string, input = ""): Promise<string> {
  return await answer(agent, `${path}?${encodeURIComponent(input)}`);
}

async function answer(agent: TestAgent, target: string, parts: RequestParts = {}): Promise<string> {
  const { audit } = await agent.onRequest(request(target, parts));
  return audit.custom[0]!.value;
}

/** Runs a property; a failure prints the seed. */
async function holds<T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: 200 });
}

Deno.test("sdk: JSON comes out as it went in", async () => {
  const agent = await loadAgent(PROBE);
  await holds(fc.jsonValue({ maxDepth: 8 }), async (value) => {
    const text = JSON.stringify(value);
    equal(await ask(agent, "/json", text), text);
    equal(await ask(agent, "/json", JSON.stringify(value, undefined, "\t")), text);
  });
});

Deno.test("sdk: what is JSON is what JavaScript takes for JSON", async () => {
  const agent = await loadAgent(PROBE);
  const letters = fc.array(fc.constantFrom(...'{}[]",:\\0123e.-+ trufalsn\n\tu'), { maxLength: 12 });
  await holds(letters, async (parts) => {
    const text = parts.join("");
    const got = await ask(agent, "/json", text);
    equal(got.startsWith("!"), !isJson(text), `${text} → ${got}`);
  });
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

Deno.test("sdk: texts of JSON", async () => {
  const agent = await loadAgent(PROBE);
  await holds(fc.string({ unit: "binary" }), async (text) => {
    const escaped = [...JSON.stringify(text)].map((letter, at) =>
      at % 3 === 1 && !'"\\'.includes(letter) ? unicodeEscapes(letter) : letter
    ).join("");
    if (isJson(escaped)) equal(await ask(agent, "/string", escaped), JSON.parse(escaped).toWellFormed());
    equal(
      JSON.parse(await ask(agent, "/encode", text.toWellFormed())),
      text.toWellFormed(),
    );
  });
  equal(
    await ask(agent, "/string", '"\\ud83d\\ude00 \\ud83d \\ude00 \\ud83d\\u0041"'),
    "😀 \ufffd \ufffd \ufffdA",
  );
  equal(await ask(agent, "/string", '"\\"\\\\\\/\\b\\f\\n\\r\\t"'), '"\\/\b\f\n\r\t');
});

function unicodeEscapes(letter: string): string {
  return letter.split("").map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`).join("");
}

Deno.test("sdk: numbers of JSON", async () => {
  const agent = await loadAgent(PROBE);
  const bits = new DataView(new ArrayBuffer(8));
  const read = async (text: string) => {
    bits.setBigUint64(0, BigInt(await ask(agent, "/number", text)));
    return bits.getFloat64(0);
  };
  await holds(fc.maxSafeInteger(), async (value) => equal(await read(String(value)), value));
  await holds(
    fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: -15, max: 22 })),
    async ([value, power]) => {
      equal(await read(`${value}e${power}`), Number(`${value}e${power}`));
    },
  );
  await holds(fc.double({ noNaN: true, noDefaultInfinity: true }), async (value) => {
    const got = await read(String(value));
    // Nothing is said about numbers that have no full precision themselves.
    if (Math.abs(value) > 1e-290) ok(Math.abs(got - value) <= Math.abs(value) * 4e-15, `${value} → ${got}`);
  });
  for (
    const [text, want] of [["1e400", Infinity], ["-1e400", -Infinity], ["1e-400", 0], [
      "0e999999999999",
      0,
    ]] as const
  ) {
    equal(await read(text), want, text);
  }
});

Deno.test("sdk: points in time", async () => {
  const agent = await loadAgent(PROBE);
  const range = {
    min: new Date("0001-01-01T00:00:00Z"),
    max: new Date("9999-12-31T23:59:59Z"),
    noInvalidDate: true,
  };
  await holds(fc.date(range), async (date) => {
    equal(await ask(agent, "/instant", date.toISOString()), String(date.getTime()));
  });
  const cases = [
    ["2027-03-01t12:00:00z", "2027-03-01T12:00:00Z"],
    ["2027-03-01T12:00:00.25+01:30", "2027-03-01T10:30:00.250Z"],
    ["2027-03-01T00:00:00-23:59", "2027-03-01T23:59:00Z"],
    ["2028-02-29T00:00:00Z", "2028-02-29T00:00:00Z"],
    ["2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"],
  ] as const;
  for (const [text, same] of cases) equal(await ask(agent, "/instant", text), String(Date.parse(same)), text);
  const wrong = [
    "",
    "2027-03-01",
    "2027-02-29T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2027-13-01T00:00:00Z",
    "2027-03-01T24:00:00Z",
    "2027-03-01 12:00:00Z",
    "2027-03-01T12:00:00",
    "2027-03-01T12:00:00.Z",
    "2027-03-01T12:00:00+1:00",
    "2027-03-01T12:00:00ZZ",
  ];
  for (const text of wrong) equal(await ask(agent, "/instant", text), "NaN", text);
});

Deno.test("sdk: patterns tell what each star stood for", async () => {
  const agent = await loadAgent(PROBE);
  const word = fc.string({ unit: fc.constantFrom("a", "b", "/", "*"), maxLength: 6 });
  const text = fc.string({ unit: fc.constantFrom("a", "b", "/"), maxLength: 10 });
  await holds(fc.tuple(word, text), async ([pattern, subject]) => {
    const source = pattern.split("*").map((piece, at, all) => piece + (at === all.length - 1 ? "" : "(.*?)"))
      .join("");
    const want = new RegExp(`^${source}$`).exec(subject);
    equal(
      await ask(agent, "/glob", `${pattern}|${subject}`),
      want === null ? "(null)" : want.slice(1).join(","),
    );
  });
});

Deno.test("sdk: query parameters", async () => {
  const agent = await loadAgent(PROBE);
  const cases = [["", "(null)"], ["q", ""], ["q=", ""], ["p=1&q=a+b%26%c3%a4", "a b&ä"], ["q=1&q=2", "1"], [
    "%71=%zz%4",
    "%zz%4",
  ], ["qq=1", "(null)"]] as const;
  for (const [query, want] of cases) equal(await answer(agent, `/param?${query}`), want, query);
});

Deno.test("sdk: what a call leaves in globals, maps and lists stays, and what it leaves nowhere is given back", async () => {
  const agent = await loadAgent(PROBE, { config: { hook: "line", anything: { "x": [1] } } });
  equal(await ask(agent, "/state", "look"), "none;;;line");
  for (const word of ["global1", "map1", "map2", "map1", "list1", "map3", "list2"]) {
    await ask(agent, "/state", word);
    await ask(agent, "/waste");
  }
  equal(
    await ask(agent, "/state", "look"),
    "made-global1-here;made-map1-here=2,made-map2-here=1,made-map3-here=1;made-list1-here,made-list2-here;line",
  );
  const before = Number(await answer(agent, "/memory"));
  for (let round = 0; round < 500; round++) await ask(agent, "/waste");
  equal(Number(await answer(agent, "/memory")), before, "wasted memory is given back");
  for (let round = 0; round < 200; round++) await ask(agent, "/state", `map${round}`);
  const state = await ask(agent, "/state", "look");
  for (let round = 4; round < 200; round++) ok(state.includes(`made-map${round}-here=1`), `map${round}`);
});

Deno.test("sdk: facts of a request", async () => {
  const agent = await loadAgent(PROBE, { grants: ALL });
  equal(
    await answer(agent, "/request?a=1", {
      id: "r1",
      method: "POST",
      host: "h.test",
      route: "api",
      upstream: "up",
      metadata: { note: "n" },
      traceparent: "tp",
      headers: {
        "User-Agent": "ua",
        "content-type": "t/t",
        Authorization: "Basic x",
        "content-length": "123",
        "x-é": "ÿ",
      },
    }),
    "r1 POST /request?a=1 h.test tp api up n ua t/t Basic x 123 false true true " +
      "User-Agent=ua,content-type=t/t,Authorization=Basic x,content-length=123,x-é=ÿ,",
  );
  equal(await answer(agent, "/connection", { clientAddress: "::1", clientPort: 5 }), "::1 5");
  const tls = {
    version: "TLSv1.3",
    cipher: "c",
    serverName: undefined,
    alpn: "h2",
    clientCertificate: new Uint8Array(3),
    clientVerified: true,
  };
  equal(await answer(agent, "/connection", { tls }), "192.0.2.1 40000 TLSv1.3 c (null) h2 3 true");
});

Deno.test("sdk: imports that are granted", async () => {
  const host = new FakeHost({ assets: { list: "one\ntwo" }, wallMs: Date.UTC(2026, 0, 2), seed: 4 });
  const agent = await loadAgent(PROBE, { grants: ALL, host });
  equal(await answer(agent, "/kv"), "(null) true ä false true true 5 -2 0 2000");
  equal(await answer(agent, "/crypto"), "ba7816bf/32 9c196e32/32 false no verifier in this test");
  equal(await ask(agent, "/assets", "list"), "one\ntwo 1");
  equal(await ask(agent, "/assets", "none"), "(null) (null)");
  equal(await answer(agent, "/random").then((text) => text.split(" ").slice(0, 2).join(" ")), "true 5");
  equal(await answer(agent, "/clock"), `${Date.UTC(2026, 0, 2)} 86400000`);
  await rejects(answer(agent, "/fetch"), { name: "AgentTrap", kind: "denied" });
});

Deno.test("sdk: fetch waits for its answer", async () => {
  const sent: unknown[] = [];
  const host = new FakeHost({
    fetch: async ({ method, url, headers, body, timeoutMs }) => {
      sent.push([method, url, headers, new TextDecoder().decode(body), timeoutMs]);
      await Promise.resolve();
      if (sent.length > 1) return { type: "error", value: "refused" };
      const headersBack = [{ name: "a", value: "b" }];
      return {
        type: "ok",
        value: { status: 201, headers: headersBack, body: new TextEncoder().encode("bodß") },
      };
    },
  });
  const agent = await loadAgent(PROBE, { grants: ["fetch"], host });
  equal(await answer(agent, "/fetch"), "201 a=b bodß");
  deepEqual(sent, [["POST", "https://list.test/x", [{ name: "x-a", value: "1" }], "body", 50]]);
  equal(await answer(agent, "/fetch"), "! refused");
});
