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
import type { CoreImports } from "../guest.ts";

/**
 * Core functions for everything that an agent may import, for one instance. What is absent from `imports` is
 * there too, and traps.
 */
export function lowerSentinelImports(imports: Imports, instance: SentinelInstance): CoreImports {
  const { abi } = instance;
  return new Map([
    ["http#[resource-drop]request", dropping(abi, instance.requests)],
    ["http#[resource-drop]response", dropping(abi, instance.responses)],
    ["http#[method]request.id", requestId(instance)],
    ["http#[method]request.method", requestMethod(instance)],
    ["http#[method]request.target", requestTarget(instance)],
    ["http#[method]request.path", requestPath(instance)],
    ["http#[method]request.query", requestQuery(instance)],
    ["http#[method]request.host", requestHost(instance)],
    ["http#[method]request.header", requestHeader(instance)],
    ["http#[method]request.headers", requestHeaders(instance)],
    ["http#[method]request.route", requestRoute(instance)],
    ["http#[method]request.upstream", requestUpstream(instance)],
    ["http#[method]request.traceparent", requestTraceparent(instance)],
    ["http#[method]request.metadata", requestMetadata(instance)],
    ["http#[method]response.status", responseStatus(instance)],
    ["http#[method]response.header", responseHeader(instance)],
    ["http#[method]response.headers", responseHeaders(instance)],
    ["log#write", imports.log ? logWrite(instance, imports.log) : abi.denied("log#write")],
    ["clock#wall-ms", imports.clock ? clockWallMs(instance, imports.clock) : abi.denied("clock#wall-ms")],
    [
      "clock#monotonic-ms",
      imports.clock ? clockMonotonicMs(instance, imports.clock) : abi.denied("clock#monotonic-ms"),
    ],
    ["random#word", imports.random ? randomWord(instance, imports.random) : abi.denied("random#word")],
    ["random#bytes", imports.random ? randomBytes(instance, imports.random) : abi.denied("random#bytes")],
    ["metrics#add", imports.metrics ? metricsAdd(instance, imports.metrics) : abi.denied("metrics#add")],
    ["metrics#set", imports.metrics ? metricsSet(instance, imports.metrics) : abi.denied("metrics#set")],
    [
      "metrics#observe",
      imports.metrics ? metricsObserve(instance, imports.metrics) : abi.denied("metrics#observe"),
    ],
    ["assets#read", imports.assets ? assetsRead(instance, imports.assets) : abi.denied("assets#read")],
    [
      "assets#version",
      imports.assets ? assetsVersion(instance, imports.assets) : abi.denied("assets#version"),
    ],
    ["kv#get", imports.kv ? kvGet(instance, imports.kv) : abi.denied("kv#get")],
    ["kv#set", imports.kv ? kvSet(instance, imports.kv) : abi.denied("kv#set")],
    ["kv#delete", imports.kv ? kvDelete(instance, imports.kv) : abi.denied("kv#delete")],
    ["kv#incr", imports.kv ? kvIncr(instance, imports.kv) : abi.denied("kv#incr")],
    [
      "kv#compare-and-set",
      imports.kv ? kvCompareAndSet(instance, imports.kv) : abi.denied("kv#compare-and-set"),
    ],
    ["kv#take", imports.kv ? kvTake(instance, imports.kv) : abi.denied("kv#take")],
    ["crypto#digest", imports.crypto ? cryptoDigest(instance, imports.crypto) : abi.denied("crypto#digest")],
    ["crypto#hmac", imports.crypto ? cryptoHmac(instance, imports.crypto) : abi.denied("crypto#hmac")],
    ["crypto#equal", imports.crypto ? cryptoEqual(instance, imports.crypto) : abi.denied("crypto#equal")],
    ["crypto#verify", imports.crypto ? cryptoVerify(instance, imports.crypto) : abi.denied("crypto#verify")],
    ["fetch#send", imports.fetch ? fetchSend(instance, imports.fetch) : abi.denied("fetch#send")],
    [
      "conn-info#client-address",
      imports.connInfo
        ? connInfoClientAddress(instance, imports.connInfo)
        : abi.denied("conn-info#client-address"),
    ],
    [
      "conn-info#client-port",
      imports.connInfo ? connInfoClientPort(instance, imports.connInfo) : abi.denied("conn-info#client-port"),
    ],
    [
      "conn-info#tls",
      imports.connInfo ? connInfoTls(instance, imports.connInfo) : abi.denied("conn-info#tls"),
    ],
  ]);
}
