/** A guest of our own world that tells through imports what it was given, and returns prepared results. */

import { MEMORY, postReturns, RESULT_AT, STORE_IMAGE } from "./guest_parts.ts";

const VERSION = "@1.0.0";

/** A text that the guest passes to imports: `key \u00e9`. */
const TEXT_AT = 0x100;
const TEXT_LENGTH = 6;
const DATA = `(data (i32.const ${TEXT_AT}) "key \\c3\\a9")`;

const TEXT = `(i32.const ${TEXT_AT}) (i32.const ${TEXT_LENGTH})`;
const NO_LIST = "(i32.const 4) (i32.const 0)";
const RESULT = `(i32.const ${RESULT_AT})`;

const TEXT_GETTERS = [
  "id",
  "method",
  "target",
  "path",
  "query",
  "host",
  "traceparent",
];
const OPTION_GETTERS = ["route", "upstream"];

/** Core imports: interface, function, parameters and results. */
const IMPORTS: readonly (readonly [string, string, string])[] = [
  ...TEXT_GETTERS.map((name) => ["http", `[method]request.${name}`, "(param i32 i32)"] as const),
  ...OPTION_GETTERS.map((name) => ["http", `[method]request.${name}`, "(param i32 i32)"] as const),
  ["http", "[method]request.header", "(param i32 i32 i32 i32)"],
  ["http", "[method]request.headers", "(param i32 i32)"],
  ["http", "[method]request.metadata", "(param i32 i32 i32 i32)"],
  ["http", "[method]response.status", "(param i32) (result i32)"],
  ["http", "[method]response.header", "(param i32 i32 i32 i32)"],
  ["http", "[method]response.headers", "(param i32 i32)"],
  ["http", "[resource-drop]request", "(param i32)"],
  ["http", "[resource-drop]response", "(param i32)"],
  ["log", "write", "(param i32 i32 i32 i32 i32)"],
  ["clock", "wall-ms", "(result f64)"],
  ["clock", "monotonic-ms", "(result f64)"],
  ["random", "word", "(result i32)"],
  ["random", "bytes", "(param i32 i32)"],
  ["metrics", "add", "(param i32 i32 i32 i32 f64)"],
  ["metrics", "set", "(param i32 i32 i32 i32 f64)"],
  ["metrics", "observe", "(param i32 i32 i32 i32 f64)"],
  ["assets", "read", "(param i32 i32 i32)"],
  ["assets", "version", "(param i32 i32 i32)"],
  ["kv", "get", "(param i32 i32 i32)"],
  ["kv", "set", "(param i32 i32 i32 i32 i32) (result i32)"],
  ["kv", "delete", "(param i32 i32) (result i32)"],
  ["kv", "incr", "(param i32 i32 i64 i32) (result i64)"],
  [
    "kv",
    "compare-and-set",
    "(param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)",
  ],
  ["kv", "take", "(param i32 i32 f64 f64 f64) (result i32)"],
  ["crypto", "digest", "(param i32 i32 i32 i32)"],
  ["crypto", "hmac", "(param i32 i32 i32 i32 i32 i32)"],
  ["crypto", "equal", "(param i32 i32 i32 i32) (result i32)"],
  ["crypto", "verify", "(param i32 i32 i32 i32 i32 i32 i32 i32)"],
  ["conn-info", "client-address", "(param i32 i32)"],
  ["conn-info", "client-port", "(param i32) (result i32)"],
  ["conn-info", "tls", "(param i32 i32)"],
];

function importLines(): string {
  return IMPORTS.map(([owner, name, type]) =>
    `(import "sentinel:agent/${owner}${VERSION}" "${name}" (func $${idOf(owner, name)} ${type}))`
  ).join("\n");
}

function idOf(owner: string, name: string): string {
  return `${owner}.${name.replace("[method]", "").replace("[resource-drop]", "drop-")}`;
}

/** Ways of telling the host a value; what the host hears is what the test compares. */
const TELL = `
  (func $text (param i32 i32)
    (call $log.write (i32.const 0) (local.get 0) (local.get 1) ${NO_LIST}))
  (func $option (param $tag i32) (param $at i32) (param $length i32)
    (if (local.get $tag)
      (then (call $log.write (i32.const 1) (local.get $at) (local.get $length) ${NO_LIST}))
      (else (call $log.write (i32.const 0) (i32.const 1) (i32.const 0) ${NO_LIST}))))
  (func $pairs (param i32 i32)
    (call $log.write (i32.const 2) ${TEXT} (local.get 0) (local.get 1)))
  (func $bytes (param i32 i32)
    (drop (call $kv.set ${TEXT} (local.get 0) (local.get 1) (i32.const 7))))
  (func $optionBytes (param $tag i32) (param $at i32) (param $length i32)
    (if (local.get $tag)
      (then (drop (call $kv.set ${TEXT} (local.get $at) (local.get $length) (i32.const 1))))
      (else (drop (call $kv.set ${TEXT} (i32.const 1) (i32.const 0) (i32.const 0))))))
  (func $big (param i64) (drop (call $kv.incr ${TEXT} (local.get 0) (i32.const 9))))
  (func $number (param i32) (call $big (i64.extend_i32_u (local.get 0))))
  (func $float (param f64) (call $metrics.add ${TEXT} ${NO_LIST} (local.get 0)))
  (func $texts (param $at i32) (param $count i32)
    (loop $next (if (local.get $count) (then
      (call $text (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (local.set $count (i32.sub (local.get $count) (i32.const 1)))
      (br $next)))))
  (func $resultText (call $text (i32.load ${RESULT}) (i32.load offset=4 ${RESULT})))
  (func $resultBytes (call $bytes (i32.load ${RESULT}) (i32.load offset=4 ${RESULT})))
  (func $resultOption (call $option (i32.load8_u ${RESULT}) (i32.load offset=4 ${RESULT}) (i32.load offset=8 ${RESULT})))
  (func $resultOptionBytes
    (call $optionBytes (i32.load8_u ${RESULT}) (i32.load offset=4 ${RESULT}) (i32.load offset=8 ${RESULT})))
  (func $optionAt (param $at i32)
    (call $option (i32.load8_u (local.get $at)) (i32.load offset=4 (local.get $at)) (i32.load offset=8 (local.get $at))))
`;

const TELL_REQUEST = `
  (func $tellRequest (param $h i32)
    ${
  TEXT_GETTERS.map((name) => `(call $http.request.${name} (local.get $h) ${RESULT}) (call $resultText)`).join(
    "\n",
  )
}
    ${
  OPTION_GETTERS.map((name) => `(call $http.request.${name} (local.get $h) ${RESULT}) (call $resultOption)`)
    .join("\n")
}
    (call $http.request.header (local.get $h) ${TEXT} ${RESULT}) (call $resultOption)
    (call $http.request.metadata (local.get $h) ${TEXT} ${RESULT}) (call $resultOption)
    (call $http.request.headers (local.get $h) ${RESULT})
    (call $pairs (i32.load ${RESULT}) (i32.load offset=4 ${RESULT}))
    (call $conn-info.client-address (local.get $h) ${RESULT}) (call $resultText)
    (call $number (call $conn-info.client-port (local.get $h)))
    (call $conn-info.tls (local.get $h) ${RESULT})
    (call $number (i32.load8_u ${RESULT}))
    (if (i32.load8_u ${RESULT}) (then
      (call $text (i32.load offset=4 ${RESULT}) (i32.load offset=8 ${RESULT}))
      (call $text (i32.load offset=12 ${RESULT}) (i32.load offset=16 ${RESULT}))
      (call $optionAt (i32.const ${RESULT_AT + 20}))
      (call $optionAt (i32.const ${RESULT_AT + 32}))
      (call $optionBytes (i32.load8_u offset=44 ${RESULT}) (i32.load offset=48 ${RESULT}) (i32.load offset=52 ${RESULT}))
      (call $number (i32.load8_u offset=56 ${RESULT})))))
  (func $tellResponse (param $r i32)
    (call $number (call $http.response.status (local.get $r)))
    (call $http.response.header (local.get $r) ${TEXT} ${RESULT}) (call $resultOption)
    (call $http.response.headers (local.get $r) ${RESULT})
    (call $pairs (i32.load ${RESULT}) (i32.load offset=4 ${RESULT})))
`;

/** Calls every import that needs no request, and tells what it returned. */
const TELL_IMPORTS = `
  (func $tellImports
    (call $float (call $clock.wall-ms))
    (call $float (call $clock.monotonic-ms))
    (call $number (call $random.word))
    (call $random.bytes (i32.const 5) ${RESULT}) (call $resultBytes)
    (call $metrics.set ${TEXT} ${NO_LIST} (f64.const 0.5))
    (call $metrics.observe ${TEXT} ${NO_LIST} (f64.const -0))
    (call $assets.read ${TEXT} ${RESULT}) (call $resultOptionBytes)
    (call $assets.version ${TEXT} ${RESULT}) (call $resultOption)
    (call $kv.get ${TEXT} ${RESULT}) (call $resultOptionBytes)
    (call $number (call $kv.delete ${TEXT}))
    (call $big (call $kv.incr ${TEXT} (i64.const -3) (i32.const -1)))
    (call $number (call $kv.compare-and-set ${TEXT} (i32.const 0) (i32.const 0) (i32.const 0) ${TEXT} (i32.const 1)))
    (call $number (call $kv.compare-and-set ${TEXT} (i32.const 1) ${TEXT} ${TEXT} (i32.const 1)))
    (call $number (call $kv.take ${TEXT} (f64.const 1) (f64.const 2.5) (f64.const inf)))
    (call $crypto.digest (i32.const 2) ${TEXT} ${RESULT}) (call $resultBytes)
    (call $crypto.hmac (i32.const 4) ${TEXT} ${TEXT} ${RESULT}) (call $resultBytes)
    (call $number (call $crypto.equal ${TEXT} ${TEXT}))
    (call $crypto.verify (i32.const 8) ${TEXT} ${TEXT} ${TEXT} ${RESULT})
    (call $number (i32.load8_u ${RESULT}))
    (if (i32.load8_u ${RESULT})
      (then (call $text (i32.load offset=4 ${RESULT}) (i32.load offset=8 ${RESULT})))
      (else (call $number (i32.load8_u offset=4 ${RESULT})))))
`;

interface Export {
  readonly name: string;
  readonly params: string;
  readonly body: string;
  /** Whether the image is returned. */
  readonly returns: boolean;
}

const REQUEST = "(call $tellRequest (local.get $h)) (call $http.drop-request (local.get $h))";
const RESPONSE = "(call $tellResponse (local.get $r)) (call $http.drop-response (local.get $r))";

const EXPORTS: readonly Export[] = [
  { name: "lifecycle#describe", params: "", body: "", returns: true },
  {
    name: "lifecycle#configure",
    params: "(param i32 i32)",
    body: "(call $text (local.get 0) (local.get 1))",
    returns: true,
  },
  {
    name: "lifecycle#health",
    params: "",
    body: "(call $tellImports)",
    returns: true,
  },
  {
    name: "lifecycle#drain",
    params: "(param i32)",
    body: "(call $number (local.get 0))",
    returns: false,
  },
  {
    name: "lifecycle#shutdown",
    params: "(param i32)",
    body: "(call $number (local.get 0))",
    returns: false,
  },
  {
    name: "request-handler#on-request-headers",
    params: "(param $h i32)",
    body: REQUEST,
    returns: true,
  },
  {
    name: "request-body-handler#on-request-body",
    params: "(param $h i32) (param $at i32) (param $length i32) (param $index i32) (param $last i32)",
    body: `(if (i32.eq (local.get $index) (i32.const ${STORE_IMAGE | 0})) (then
        (call $http.drop-request (local.get $h))
        (return (call $store (local.get $at) (local.get $length)))))
      ${REQUEST} (call $bytes (local.get $at) (local.get $length))
      (call $number (local.get $index)) (call $number (local.get $last))`,
    returns: true,
  },
  {
    name: "response-handler#on-response-headers",
    params: "(param $h i32) (param $r i32)",
    body: `${REQUEST} ${RESPONSE}`,
    returns: true,
  },
  {
    name: "response-body-handler#on-response-body",
    params:
      "(param $h i32) (param $r i32) (param $at i32) (param $length i32) (param $index i32) (param $last i32)",
    body: `${RESPONSE} (call $bytes (local.get $at) (local.get $length))
      (call $number (local.get $index)) (call $number (local.get $last)) ${REQUEST}`,
    returns: true,
  },
  {
    name: "completion-handler#on-request-complete",
    params:
      `(param $h i32) (param $status i32) (param $ms f64) (param $in i64) (param $out i64) (param $attempts i32)
      (param $tag i32) (param $error i32) (param $errorLength i32) (param $at i32) (param $count i32)`,
    body:
      `${REQUEST} (call $number (local.get $status)) (call $float (local.get $ms)) (call $big (local.get $in))
      (call $big (local.get $out)) (call $number (local.get $attempts))
      (call $option (local.get $tag) (local.get $error) (local.get $errorLength))
      (loop $next (if (local.get $count) (then
        (call $texts (local.get $at) (i32.const 2))
        (call $texts (i32.load offset=16 (local.get $at)) (i32.load offset=20 (local.get $at)))
        (local.set $at (i32.add (local.get $at) (i32.const 24)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next))))`,
    returns: false,
  },
  {
    name: "websocket-handler#ws-open",
    params: "(param $h i32)",
    body: REQUEST,
    returns: true,
  },
  {
    name: "websocket-handler#ws-frame",
    params:
      `(param $h i32) (param $direction i32) (param $index i64) (param $opcode i32) (param $fin i32) (param $at i32)
      (param $length i32)`,
    body: `${REQUEST} (call $number (local.get $direction)) (call $big (local.get $index))
      (call $number (local.get $opcode)) (call $number (local.get $fin)) (call $bytes (local.get $at) (local.get $length))`,
    returns: true,
  },
  {
    name: "websocket-handler#ws-close",
    params: "(param $h i32) (param $tag i32) (param $code i32) (param $at i32) (param $length i32)",
    body: `${REQUEST} (call $number (local.get $code))
      (call $option (local.get $tag) (local.get $at) (local.get $length))`,
    returns: false,
  },
  {
    name: "guardrail-handler#guardrail-inspect",
    params:
      `(param $inspection i32) (param $at i32) (param $length i32) (param $modelTag i32) (param $model i32)
      (param $modelLength i32) (param $categories i32) (param $count i32) (param $routeTag i32) (param $route i32)
      (param $routeLength i32)`,
    body: `(call $number (local.get $inspection)) (call $text (local.get $at) (local.get $length))
      (call $option (local.get $modelTag) (local.get $model) (local.get $modelLength))
      (call $texts (local.get $categories) (local.get $count))
      (call $option (local.get $routeTag) (local.get $route) (local.get $routeLength))`,
    returns: true,
  },
];

function coreName(name: string): string {
  return `sentinel:agent/${name.replace("#", `${VERSION}#`)}`;
}

function exportLines(): string {
  return EXPORTS.map(({ name, params, body, returns }) =>
    `(func (export "${coreName(name)}") ${params} ${returns ? "(result i32)" : ""}
      ${body}
      ${returns ? "(call $image)" : "(call $reset)"})`
  ).join("\n");
}

/** The guest's text. */
export const SENTINEL_GUEST = `(module
  ${importLines()}
  ${MEMORY}
  ${DATA}
  ${TELL}
  ${TELL_REQUEST}
  ${TELL_IMPORTS}
  ${exportLines()}
  ${
  postReturns(
    EXPORTS.filter(({ returns }) => returns).map(({ name }) => coreName(name)),
  )
}
)`;
