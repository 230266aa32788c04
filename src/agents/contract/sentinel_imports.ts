// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** What an agent can import, as core functions. */

import { dropping } from "../abi/imported.ts";
import { assetsRead, assetsVersion } from "./sentinel_imports/assets.ts";
import { clockMonotonicMs, clockWallMs } from "./sentinel_imports/clock.ts";
import { connInfoClientAddress, connInfoClientPort, connInfoTls } from "./sentinel_imports/conn_info.ts";
import { cryptoDigest, cryptoEqual, cryptoHmac, cryptoVerify } from "./sentinel_imports/crypto.ts";
import { fetchSend } from "./sentinel_imports/fetch.ts";
import {
  requestHeader,
  requestHeaders,
  requestHost,
  requestId,
  requestMetadata,
  requestMethod,
  requestPath,
  requestQuery,
  requestRoute,
  requestTarget,
  requestTraceparent,
  requestUpstream,
  responseHeader,
  responseHeaders,
  responseStatus,
} from "./sentinel_imports/http.ts";
import { kvCompareAndSet, kvDelete, kvGet, kvIncr, kvSet, kvTake } from "./sentinel_imports/kv.ts";
import { logWrite } from "./sentinel_imports/log.ts";
import { metricsAdd, metricsObserve, metricsSet } from "./sentinel_imports/metrics.ts";
import { randomBytes, randomWord } from "./sentinel_imports/random.ts";
import type { SentinelInstance } from "./sentinel_instance.ts";
import type { Imports } from "./sentinel_types.ts";
import type { CoreFunction, CoreImports } from "../guest.ts";

type Lowering = (imports: Imports, instance: SentinelInstance) => CoreFunction;

const LOWERINGS: ReadonlyMap<string, Lowering> = new Map<string, Lowering>([
  ["http#[resource-drop]request", (_, instance) => dropping(instance.abi, instance.requests)],
  ["http#[resource-drop]response", (_, instance) => dropping(instance.abi, instance.responses)],
  ["http#[method]request.id", (_, instance) => requestId(instance)],
  ["http#[method]request.method", (_, instance) => requestMethod(instance)],
  ["http#[method]request.target", (_, instance) => requestTarget(instance)],
  ["http#[method]request.path", (_, instance) => requestPath(instance)],
  ["http#[method]request.query", (_, instance) => requestQuery(instance)],
  ["http#[method]request.host", (_, instance) => requestHost(instance)],
  ["http#[method]request.header", (_, instance) => requestHeader(instance)],
  ["http#[method]request.headers", (_, instance) => requestHeaders(instance)],
  ["http#[method]request.route", (_, instance) => requestRoute(instance)],
  ["http#[method]request.upstream", (_, instance) => requestUpstream(instance)],
  ["http#[method]request.traceparent", (_, instance) => requestTraceparent(instance)],
  ["http#[method]request.metadata", (_, instance) => requestMetadata(instance)],
  ["http#[method]response.status", (_, instance) => responseStatus(instance)],
  ["http#[method]response.header", (_, instance) => responseHeader(instance)],
  ["http#[method]response.headers", (_, instance) => responseHeaders(instance)],
  [
    "log#write",
    (imports, instance) => imports.log ? logWrite(instance, imports.log) : instance.abi.denied("log#write"),
  ],
  [
    "clock#wall-ms",
    (imports, instance) =>
      imports.clock ? clockWallMs(instance, imports.clock) : instance.abi.denied("clock#wall-ms"),
  ],
  [
    "clock#monotonic-ms",
    (imports, instance) =>
      imports.clock ? clockMonotonicMs(instance, imports.clock) : instance.abi.denied("clock#monotonic-ms"),
  ],
  [
    "random#word",
    (imports, instance) =>
      imports.random ? randomWord(instance, imports.random) : instance.abi.denied("random#word"),
  ],
  [
    "random#bytes",
    (imports, instance) =>
      imports.random ? randomBytes(instance, imports.random) : instance.abi.denied("random#bytes"),
  ],
  [
    "metrics#add",
    (imports, instance) =>
      imports.metrics ? metricsAdd(instance, imports.metrics) : instance.abi.denied("metrics#add"),
  ],
  [
    "metrics#set",
    (imports, instance) =>
      imports.metrics ? metricsSet(instance, imports.metrics) : instance.abi.denied("metrics#set"),
  ],
  [
    "metrics#observe",
    (imports, instance) =>
      imports.metrics ? metricsObserve(instance, imports.metrics) : instance.abi.denied("metrics#observe"),
  ],
  [
    "assets#read",
    (imports, instance) =>
      imports.assets ? assetsRead(instance, imports.assets) : instance.abi.denied("assets#read"),
  ],
  [
    "assets#version",
    (imports, instance) =>
      imports.assets ? assetsVersion(instance, imports.assets) : instance.abi.denied("assets#version"),
  ],
  ["kv#get", (imports, instance) => imports.kv ? kvGet(instance, imports.kv) : instance.abi.denied("kv#get")],
  ["kv#set", (imports, instance) => imports.kv ? kvSet(instance, imports.kv) : instance.abi.denied("kv#set")],
  [
    "kv#delete",
    (imports, instance) => imports.kv ? kvDelete(instance, imports.kv) : instance.abi.denied("kv#delete"),
  ],
  [
    "kv#incr",
    (imports, instance) => imports.kv ? kvIncr(instance, imports.kv) : instance.abi.denied("kv#incr"),
  ],
  [
    "kv#compare-and-set",
    (imports, instance) =>
      imports.kv ? kvCompareAndSet(instance, imports.kv) : instance.abi.denied("kv#compare-and-set"),
  ],
  [
    "kv#take",
    (imports, instance) => imports.kv ? kvTake(instance, imports.kv) : instance.abi.denied("kv#take"),
  ],
  [
    "crypto#digest",
    (imports, instance) =>
      imports.crypto ? cryptoDigest(instance, imports.crypto) : instance.abi.denied("crypto#digest"),
  ],
  [
    "crypto#hmac",
    (imports, instance) =>
      imports.crypto ? cryptoHmac(instance, imports.crypto) : instance.abi.denied("crypto#hmac"),
  ],
  [
    "crypto#equal",
    (imports, instance) =>
      imports.crypto ? cryptoEqual(instance, imports.crypto) : instance.abi.denied("crypto#equal"),
  ],
  [
    "crypto#verify",
    (imports, instance) =>
      imports.crypto ? cryptoVerify(instance, imports.crypto) : instance.abi.denied("crypto#verify"),
  ],
  [
    "fetch#send",
    (imports, instance) =>
      imports.fetch ? fetchSend(instance, imports.fetch) : instance.abi.denied("fetch#send"),
  ],
  [
    "conn-info#client-address",
    (imports, instance) =>
      imports.connInfo
        ? connInfoClientAddress(instance, imports.connInfo)
        : instance.abi.denied("conn-info#client-address"),
  ],
  [
    "conn-info#client-port",
    (imports, instance) =>
      imports.connInfo
        ? connInfoClientPort(instance, imports.connInfo)
        : instance.abi.denied("conn-info#client-port"),
  ],
  [
    "conn-info#tls",
    (imports, instance) =>
      imports.connInfo ? connInfoTls(instance, imports.connInfo) : instance.abi.denied("conn-info#tls"),
  ],
]);

/**
 * Core functions for one instance: for everything that an agent may import, or for what it does import, by names
 * such as `log#write`; names that the world does not have are left out. What is absent from `imports` is there
 * too, and traps.
 */
export function lowerSentinelImports(
  imports: Imports,
  instance: SentinelInstance,
  names: Iterable<string> = LOWERINGS.keys(),
): CoreImports {
  const lowered = new Map<string, CoreFunction>();
  for (const name of names) {
    const lower = LOWERINGS.get(name);
    if (lower !== undefined) lowered.set(name, lower(imports, instance));
  }
  return lowered;
}
