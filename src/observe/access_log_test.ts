import { deepEqual, equal, match, ok } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { accessLogOptions, ALL_FIELDS, endedRequest } from "../../tests/support/log_fixture.ts";
import type { EndedRequest } from "../../tests/support/log_fixture.ts";
import { TLS_FACTS } from "../../tests/support/tls_facts.ts";
import { AccessLog } from "./access_log.ts";
import type { AccessLogOptions } from "./access_log.ts";
import { LOG_FIELDS_MAX } from "./access_log_values.ts";

const NOW_MS = 1012.5;
const WALL_MS = 1_763_800_000_042;

/** Random words in turn. */
function accessLog(options: Partial<AccessLogOptions> = {}, words: readonly number[] = [0]): AccessLog {
  let next = 0;
  const random = { u32: () => words[next++ % words.length]! };
  return new AccessLog(accessLogOptions(options), { random, instanceId: "edge-1" });
}

function line(options: Partial<AccessLogOptions>, request: EndedRequest = {}): string {
  return accessLog(options).line(endedRequest(request), NOW_MS, WALL_MS)!;
}

function parsed(
  request: EndedRequest = {},
  options: Partial<AccessLogOptions> = {},
): Record<string, unknown> {
  return JSON.parse(line(options, request));
}

Deno.test("access log: every field in JSON", () => {
  const request: EndedRequest = {
    target: "/a/b?x=1&token=s3cret",
    headers: [["Referer", "https://from.example/?token=s3cret#frag"], ["User-Agent", "curl/8"]],
    route: { namespace: "shop", service: "cart" },
    with: {
      bodyBytesReceived: 9,
      connectionReused: true,
      reason: "cached",
      logFields: { country: "NO", big: 7 },
    },
  };
  deepEqual(parsed(request), {
    instance_id: "edge-1",
    timestamp: "2025-11-22T08:26:40.042Z",
    trace_id: "id-1",
    method: "GET",
    path: "/a/b",
    query: "x=1&token=[redacted]",
    protocol: "HTTP/1.1",
    host: "www.example",
    status: 200,
    duration_ms: 12.5,
    body_bytes: 9,
    body_bytes_sent: 512,
    connection_reused: true,
    rate_limit_hit: false,
    reason: "cached",
    client_ip: "192.0.2.7",
    user_agent: "curl/8",
    referer: "https://from.example/?token=[redacted]",
    listener: "main",
    route_id: "api",
    namespace: "shop",
    service: "cart",
    upstream: "backend",
    upstream_addr: "127.0.0.1:9000",
    upstream_attempts: 1,
    upstream_latency_ms: 1.25,
    country: "NO",
    big: 7,
  });
});

Deno.test("access log: what is not known is left out", () => {
  const bare = {
    route: null,
    with: { upstreamId: undefined, status: 0, errorCode: "client_closed" },
  } as const;
  const keys = Object.keys(parsed(bare));
  for (
    const key of [
      "query",
      "user_agent",
      "referer",
      "route_id",
      "upstream",
      "upstream_addr",
      "upstream_attempts",
    ]
  ) {
    equal(keys.includes(key), false, key);
  }
  equal(parsed(bare)["status"], 499, "the client left first");
  equal(parsed(bare)["error"], "client_closed");
});

Deno.test("access log: rate_limit_hit", () => {
  const tests = [
    { name: "ours", with: { status: 503, reason: "rate_limited" }, want: true },
    { name: "the upstream's", with: { status: 429 }, want: true },
    { name: "other", with: { status: 503 }, want: false },
  ];
  for (const { name, with: fields, want } of tests) {
    equal(parsed({ with: fields })["rate_limit_hit"], want, name);
  }
});

Deno.test("access log: TLS", () => {
  match(line({ format: "text" }, { tls: TLS_FACTS }), / tls=TLSv1\.3 client_cert="CN=client,O=Example"/);
  const bad = { ...TLS_FACTS, client: { ...TLS_FACTS.client!, problem: "revoked" as const } };
  match(line({ format: "text" }, { tls: bad }), / client_cert=!revoked/);
  equal(line({ format: "text" }).includes("tls="), false);
  deepEqual(parsed({ tls: TLS_FACTS })["tls"], {
    version: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    resumed: false,
    server_name: "www.example",
    client: {
      verify: "success",
      subject: "CN=client,O=Example",
      serial: "0a1b",
      fingerprint: TLS_FACTS.client!.fingerprint,
    },
  });
  deepEqual(parsed({ tls: { ...TLS_FACTS, client: null, serverName: "" } })["tls"], {
    version: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    resumed: false,
  });
});

Deno.test("access log: each switch takes its field out of JSON, and nothing else", () => {
  const request: EndedRequest = {
    target: "/a?q=1",
    headers: [["Referer", "r"], ["User-Agent", "u"]],
    route: { namespace: "n", service: "s" },
    tls: TLS_FACTS,
  };
  const all = Object.keys(parsed(request));
  const gone: Record<keyof typeof ALL_FIELDS, string[]> = {
    timestamp: ["timestamp"],
    traceId: ["trace_id"],
    method: ["method"],
    path: ["path"],
    query: ["query"],
    protocol: ["protocol"],
    host: ["host"],
    status: ["status"],
    latencyMs: ["duration_ms", "upstream_latency_ms"],
    bodyBytesSent: ["body_bytes_sent"],
    bodyBytes: ["body_bytes"],
    upstreamAddr: ["upstream_addr"],
    upstreamAttempts: ["upstream_attempts"],
    connectionReused: ["connection_reused"],
    rateLimitHit: ["rate_limit_hit"],
    userAgent: ["user_agent"],
    referer: ["referer"],
    clientIp: ["client_ip"],
    tls: ["tls"],
    routeId: ["route_id"],
    upstream: ["upstream"],
    namespace: ["namespace"],
    service: ["service"],
  };
  for (const [field, keys] of Object.entries(gone)) {
    const left = Object.keys(parsed(request, { fields: { ...ALL_FIELDS, [field]: false } }));
    deepEqual(left, all.filter((key) => !keys.includes(key)), field);
  }
  equal("trace_id" in parsed(request, { includeTraceId: false }), false);
});

Deno.test("access log: fields of filters cannot pose as ours, and are bounded", () => {
  const many = Object.fromEntries(
    Array.from({ length: LOG_FIELDS_MAX + 5 }, (_, index) => [`k${index}`, index]),
  );
  equal(
    Object.keys(parsed({ with: { logFields: many } })).filter((key) => /^k\d/.test(key)).length,
    LOG_FIELDS_MAX,
  );
  const posing = parsed({ with: { logFields: { status: 1, 'a"b': "c\n" } } });
  deepEqual([posing["status"], posing["field_status"], posing['a"b']], [200, 1, "c\n"]);
});

Deno.test("access log: combined", () => {
  const full: EndedRequest = {
    target: "/a?token=x&y=1",
    minor: 0,
    headers: [["Referer", "https://r.example/"], ["User-Agent", 'evil" 200 "\n']],
  };
  const tests = [
    {
      name: "everything",
      got: line({ format: "combined" }, full),
      want: '192.0.2.7 - - [22/Nov/2025:08:26:40 +0000] "GET /a?token=[redacted]&y=1 HTTP/1.0" 200 512 ' +
        '"https://r.example/" "evil\\x22 200 \\x22\\x0a" id-1 12.500ms\n',
    },
    {
      name: "nothing sent, nothing known",
      got: line({ format: "combined" }, { with: { bodyBytesSent: 0, requestId: "" } }),
      want: '192.0.2.7 - - [22/Nov/2025:08:26:40 +0000] "GET /a HTTP/1.1" 200 - "-" "-" - 12.500ms\n',
    },
    {
      name: "fields keep their places",
      got: line({
        format: "combined",
        fields: {
          ...ALL_FIELDS,
          clientIp: false,
          status: false,
          userAgent: false,
          latencyMs: false,
          query: false,
        },
      }, full),
      want: '- - - [22/Nov/2025:08:26:40 +0000] "GET /a HTTP/1.0" - 512 "https://r.example/" "-" id-1 -\n',
    },
  ];
  for (const { name, got, want } of tests) equal(got, want, name);
});

Deno.test("access log: text", () => {
  equal(
    line({ format: "text" }, { target: "/a b?q=1", with: { attempts: 2, logFields: { note: "two words" } } }),
    '2025-11-22T08:26:40.042Z 200 "GET /a b?q=1 HTTP/1.1" 12.500ms 512B client=192.0.2.7 host=www.example ' +
      'route=api upstream=backend target=127.0.0.1:9000 attempts=2 id=id-1 note="two words"\n',
  );
});

Deno.test("access log: header values that are to be hidden", () => {
  const request: EndedRequest = { headers: [["Referer", "https://r.example/"], ["User-Agent", "me"]] };
  const options = { redactHeaders: ["User-Agent", "referer"] };
  deepEqual([parsed(request, options)["user_agent"], parsed(request, options)["referer"]], [
    "[redacted]",
    "[redacted]",
  ]);
  match(line({ ...options, format: "combined" }, request), /"\[redacted\]" "\[redacted\]"/);
  equal("referer" in parsed({}, options), false);
});

Deno.test("access log: sampling", () => {
  const half = 2 ** 31;
  const tests = [
    { name: "all", rate: 1, draw: 2 ** 32 - 1, status: 200, want: true },
    { name: "none", rate: 0, draw: 0, status: 200, want: false },
    { name: "below", rate: 0.5, draw: half - 1, status: 200, want: true },
    { name: "at", rate: 0.5, draw: half, status: 200, want: false },
    { name: "399 is no error", rate: 0, draw: 0, status: 399, want: false },
    { name: "400 is", rate: 0, draw: 0, status: 400, want: true },
    { name: "no answer is", rate: 0, draw: 0, status: 0, want: true },
    { name: "errors too, when told so", rate: 0, draw: 0, status: 500, errorsAlways: false, want: false },
  ];
  for (const { name, rate, draw, status, want, errorsAlways = true } of tests) {
    const log = accessLog({ sampleRate: rate, sampleErrorsAlways: errorsAlways }, [draw]);
    equal(log.line(endedRequest({ with: { status } }), NOW_MS, WALL_MS) !== undefined, want, name);
  }
});

Deno.test("access log: names that are kept per route follow what changes", () => {
  const log = accessLog();
  const first = endedRequest();
  const second = endedRequest({ with: { upstreamId: "other" } });
  second.route = first.route;
  const upstreams = [first, second, first].map((context) => {
    return JSON.parse(log.line(context, NOW_MS, WALL_MS)!).upstream;
  });
  deepEqual(upstreams, ["backend", "other", "backend"]);
});

Deno.test("access log: nothing a client sends can break a line", () => {
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((unit) => String.fromCharCode(unit)),
    maxLength: 60,
  });
  fc.assert(fc.property(bytes, bytes, bytes, (method, target, value) => {
    const request: EndedRequest = {
      method,
      target,
      headers: [["User-Agent", value], ["Referer", value]],
      with: { requestId: value, clientIp: target },
    };
    for (const format of ["json", "combined", "text"] as const) {
      match(line({ format }, request), /^[\x20-\x7e]+\n$/, format);
    }
    const read = parsed(request);
    equal(read["user_agent"], value);
    equal(read["method"], method);
    ok(line({ format: "combined" }, request).match(/"/g)!.length === 6, "six quotes, whatever the values");
  }));
});
