import assert from "node:assert/strict";
import { BytesBody } from "../core/message.ts";
import { latin1, octets } from "../../tests/support/fake_socket.ts";
import { request } from "../../tests/support/proxy_rig.ts";
import { cleanHeaders } from "./clean_headers.ts";
import { formatRequestHead, writeByteString } from "./outgoing_head.ts";

type Init = NonNullable<Parameters<typeof request>[0]>;

function lines(init: Init, change?: (context: ReturnType<typeof request>) => void): string[] {
  const context = request(init);
  cleanHeaders(context);
  change?.(context);
  return formatRequestHead(context, "10.0.0.1:80").split("\r\n");
}

const UNTRUSTED_TAIL = [
  "X-Forwarded-For: 192.0.2.7",
  "X-Forwarded-Proto: http",
  "X-Forwarded-Host: a",
  "X-Forwarded-Port: 8080",
  "Via: 1.1 sentinel",
  "",
  "",
];

Deno.test("outgoing head: order, case, duplicates and octets stay; what is ours follows", () => {
  const headers = [["x-B", "1"], ["HOST", "a"], ["Cookie", "a=\xe9"], ["cookie", "b"]] as const;
  assert.deepEqual(lines({ authority: "a", target: "/%41?x", headers }), [
    "GET /%41?x HTTP/1.1",
    "x-B: 1",
    "HOST: a",
    "Cookie: a=\xe9",
    "cookie: b",
    ...UNTRUSTED_TAIL,
  ]);
});

Deno.test("outgoing head: hop-by-hop, internal and unvouched headers do not pass", () => {
  const headers = [
    ["Host", "a"],
    ["Connection", "keep-alive, X-Named, , host, Content-Length"],
    ["Connection", "x-other"],
    ["X-Named", "1"],
    ["x-other", "1"],
    ["Keep-Alive", "5"],
    ["Proxy-Connection", "x"],
    ["Proxy-Authorization", "x"],
    ["TE", "trailers"],
    ["Trailer", "x"],
    ["Upgrade", "h2c"],
    ["HTTP2-Settings", "x"],
    ["Expect", "100-continue"],
    ["X-Internal-Token", "x"],
    ["authorization-internal", "x"],
    ["X-Forwarded-For", "6.6.6.6"],
    ["X-Forwarded-Proto", "https"],
    ["X-Forwarded-Host", "evil"],
    ["X-Forwarded-Port", "1"],
    ["Forwarded", "for=6.6.6.6"],
    ["X-Real-IP", "6.6.6.6"],
    ["X_Forwarded_For", "6.6.6.6"],
    ["x-forwarded_proto", "https"],
    ["Transfer_Encoding", "chunked"],
    ["X_Internal_Token", "x"],
  ] as const;
  // TE is for one hop, so ours says anew what the client's said.
  const ours = ["TE: trailers", "Connection: TE"];
  const want = ["GET / HTTP/1.1", "Host: a", ...ours, ...UNTRUSTED_TAIL];
  assert.deepEqual(lines({ authority: "a", headers }), want);
});

Deno.test("outgoing head: what a trusted peer says is kept and continued", () => {
  const headers = [
    ["Host", "a"],
    ["X-Forwarded-For", "1.1.1.1"],
    ["X-Forwarded-Proto", "https"],
    ["x-forwarded-for", "2.2.2.2"],
    ["Forwarded", "for=1.1.1.1"],
    ["X-Real-IP", "1.1.1.1"],
    ["X_Real_IP", "6.6.6.6"],
  ] as const;
  assert.deepEqual(
    lines({ authority: "a", headers, downstream: { peerTrusted: true, peerIp: "2001:db8::1" } }),
    [
      "GET / HTTP/1.1",
      "Host: a",
      "X-Forwarded-Proto: https",
      "X-Real-IP: 1.1.1.1",
      'Forwarded: for=1.1.1.1, for="[2001:db8::1]";by=_sentinel;proto=http;host="a"',
      "X-Forwarded-For: 1.1.1.1, 2.2.2.2, 2001:db8::1",
      "X-Forwarded-Host: a",
      "X-Forwarded-Port: 8080",
      "Via: 1.1 sentinel",
      "",
      "",
    ],
  );
});

Deno.test("outgoing head: what a filter sets after cleaning is kept", () => {
  const got = lines({ authority: "a", headers: [["Host", "a"], ["Connection", "x-user"]] }, ({ head }) => {
    head.headers.set("X-User", "7");
    head.headers.set("X-Forwarded-Proto", "https");
  });
  assert.ok(got.includes("X-User: 7"));
  assert.deepEqual(got.filter((line) => line.startsWith("X-Forwarded-Proto")), ["X-Forwarded-Proto: https"]);
});

Deno.test("outgoing head: the request's own marks replace the client's", () => {
  const headers = [["Host", "a"], ["x-request-id", "x"], ["X-Correlation-Id", "y"], [
    "traceparent",
    "z",
  ]] as const;
  const got = lines({ authority: "a", headers }, (context) => {
    context.requestId = "id-1";
    context.traceparent = "00-1-2-01";
  });
  assert.deepEqual(got.slice(-5, -2), [
    "X-Request-Id: id-1",
    "X-Correlation-Id: id-1",
    "traceparent: 00-1-2-01",
  ]);
  assert.equal(got.filter((line) => /request-id|correlation|traceparent/i.test(line)).length, 3);
});

Deno.test("outgoing head: Host follows the authority, also when a filter rewrote it", () => {
  const rows: [string, Init, string, string | undefined, string | undefined][] = [
    [
      "kept",
      { authority: "A.example:81" },
      "Host: A.example:81",
      "X-Forwarded-Host: A.example:81",
      undefined,
    ],
    ["rewritten", { authority: "a" }, "Host: b", "X-Forwarded-Host: a", "b"],
    ["HTTP/1.0 without", { authority: "", minor: 0, headers: [] }, "Host: 10.0.0.1:80", undefined, undefined],
  ];
  for (const [name, init, host, forwarded, rewrite] of rows) {
    const got = lines(init, ({ head }) => {
      if (rewrite !== undefined) head.authority = rewrite;
    });
    assert.equal(got[1], host, name);
    assert.equal(got.find((line) => line.startsWith("X-Forwarded-Host")), forwarded, name);
    assert.ok(got.includes(init.minor === 0 ? "Via: 1.0 sentinel" : "Via: 1.1 sentinel"), name);
  }
});

Deno.test("outgoing head: framing is made anew", () => {
  const stream = { length: undefined, read: () => null, cancel() {} };
  const rows: [string, Init, string[]][] = [
    ["GET", {}, []],
    ["POST without a body", { method: "POST" }, ["Content-Length: 0"]],
    ["POST, length 0", { method: "POST", headers: [["content-length", "0"]] }, ["content-length: 0"]],
    ["known length", { method: "POST", body: new BytesBody(octets("abc")) }, ["Content-Length: 3"]],
    [
      "a filter changed the body",
      { method: "POST", headers: [["Content-length", "9"]], body: new BytesBody(octets("abc")) },
      ["Content-length: 3"],
    ],
    ["chunked", { method: "POST", headers: [["Transfer-Encoding", "chunked"]], body: stream }, [
      "Transfer-Encoding: chunked",
    ]],
    ["length unknown now", { method: "POST", headers: [["Content-Length", "9"]], body: stream }, [
      "Transfer-Encoding: chunked",
    ]],
  ];
  for (const [name, init, want] of rows) {
    assert.deepEqual(
      lines(init).filter((line) => /^(content-length|transfer-encoding)/i.test(line)),
      want,
      name,
    );
  }
});

Deno.test("byte strings are written octet by octet", () => {
  const out = new Uint8Array(8);
  for (const text of ["", "abc", "a\xe9\xff", "\x80".repeat(8)]) {
    assert.equal(writeByteString(text, out), text.length);
    assert.equal(latin1(out.subarray(0, text.length)), text);
  }
  assert.equal(writeByteString("x".repeat(9), out), -1);
  assert.throws(() => writeByteString("\u0100", out), { code: "internal_bug" });
});
