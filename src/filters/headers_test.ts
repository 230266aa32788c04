import assert from "node:assert/strict";
import {
  filterDeps,
  optionsOf,
  plainResponse,
  readFilter,
  requestContext,
} from "../../tests/support/filter_fixture.ts";
import { headers } from "./headers.ts";

const create = (body: string) => headers.create(optionsOf(headers, body), filterDeps());

Deno.test("headers are renamed, set, added and removed, in this order", () => {
  const filter = create(`
    rename { X-Old "X-New" }
    set { X-Set "one"; X-New "not this" ; X-Gone "x" }
    add { X-Add "2"; x-set "two" }
    remove "X-Gone" "X-Drop"`);
  const context = requestContext({
    headers: [["x-old", "1"], ["X-Drop", "d"], ["X-OLD", "2"], ["X-Set", "0"], ["Keep", "k"]],
  });
  assert.equal(filter.onRequest!(context), undefined);
  assert.deepEqual([...context.head.headers], [
    ["Host", "www.example"],
    ["X-New", "not this"],
    ["X-Set", "one"],
    ["Keep", "k"],
    ["X-Add", "2"],
    ["x-set", "two"],
  ]);
  assert.equal(filter.onResponse, undefined, "the request phase is the default");
});

Deno.test("a rename to the same name in other letters changes each line once", () => {
  const context = requestContext({ headers: [["x-a", "1"], ["x-a", "2"]] });
  create(`rename { x-a "X-A" }`).onRequest!(context);
  assert.deepEqual([...context.head.headers].slice(1), [["X-A", "1"], ["X-A", "2"]]);
});

Deno.test("phases", () => {
  const edits = `set { X-A "1" }`;
  const response = create(`phase "response"\n${edits}`);
  assert.equal(response.onRequest, undefined);
  const answer = plainResponse([["x-a", "0"]]);
  response.onResponse!(requestContext(), answer);
  assert.deepEqual([...answer.headers], [["X-A", "1"]]);
  const both = create(`phase "both"\n${edits}`);
  assert.ok(both.onRequest && both.onResponse);
});

Deno.test("setting Host changes the authority and leaves what the client asked for", () => {
  const context = requestContext();
  create(`set { host "backend.internal:8443" }`).onRequest!(context);
  assert.equal(context.head.authority, "backend.internal:8443");
  assert.equal(context.head.host, "www.example", "the route stays the same");
  assert.equal(context.head.headers.get("host"), "www.example");
});

Deno.test("values beyond ASCII go out as UTF-8 bytes", () => {
  const response = plainResponse();
  create(`phase "response"\nset { X-Name "é" }`).onResponse!(requestContext(), response);
  assert.equal(response.headers.get("x-name"), "\u00c3\u00a9");
});

const REFUSED: readonly { name: string; body: string; want: RegExp }[] = [
  { name: "nothing to do", body: "", want: /changes nothing/ },
  { name: "line break in a value", body: `set { A "x\\r\\ny" }`, want: /control characters/ },
  { name: "NUL in a value", body: `add { A "x\\u{0}" }`, want: /control characters/ },
  { name: "a name that is no token", body: `set { "A B" "x" }`, want: /no valid header name/ },
  { name: "framing", body: `set { Content-Length "5" }`, want: /belongs to the connection/ },
  { name: "removing framing", body: `remove "transfer-encoding"`, want: /belongs to the connection/ },
  { name: "renaming to framing", body: `rename { A "Connection" }`, want: /belongs to the connection/ },
  { name: "a second Host", body: `add { Host "x" }`, want: /only be set/ },
  { name: "no Host", body: `remove "host"`, want: /only be set/ },
  { name: "another name for Host", body: `rename { Host "X-Host" }`, want: /cannot be renamed/ },
  { name: "a Host that is none", body: `set { Host "a b" }`, want: /cannot be set to/ },
  {
    name: "an unknown phase",
    body: `phase "later"\nset { A "1" }`,
    want: /one of "request", "response", "both"/,
  },
];

Deno.test("what a headers filter refuses", async (t) => {
  for (const { name, body, want } of REFUSED) {
    await t.step(name, () => assert.match(readFilter(headers, body).problems.join("\n"), want));
  }
});
