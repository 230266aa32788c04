/** What the proxy does for an agent whose operator grants it. A call that is not granted ends the agent's call. */

import * as rawAssets from "./bindings/assets";
import * as rawClock from "./bindings/clock";
import * as rawCrypto from "./bindings/crypto";
import * as rawFetch from "./bindings/fetch";
import { Header } from "./bindings/http";
import * as rawKv from "./bindings/kv";
import * as rawLog from "./bindings/log";
import * as rawMetrics from "./bindings/metrics";
import * as rawRandom from "./bindings/random";
import { appended, headerOf } from "./decision";
import { Bytes, Text } from "./text";
import { Result } from "./values";

const NO_FIELDS: rawLog.Field[] = [];
const NO_LABELS: rawMetrics.Label[] = [];

/** A fact for a log line. */
export function field(key: string, value: string): rawLog.Field {
  const field = new rawLog.Field();
  field.key = Text.of(key);
  field.value = Text.of(value);
  return field;
}

/** Grant `log`. */
export class log {
  static debug(message: string, fields: rawLog.Field[] = NO_FIELDS): void {
    rawLog.write(rawLog.Level.DEBUG, Text.of(message), fields);
  }

  static info(message: string, fields: rawLog.Field[] = NO_FIELDS): void {
    rawLog.write(rawLog.Level.INFO, Text.of(message), fields);
  }

  static warn(message: string, fields: rawLog.Field[] = NO_FIELDS): void {
    rawLog.write(rawLog.Level.WARN, Text.of(message), fields);
  }

  static error(message: string, fields: rawLog.Field[] = NO_FIELDS): void {
    rawLog.write(rawLog.Level.ERROR, Text.of(message), fields);
  }
}

/** Grant `clock`. */
export class clock {
  /** Unix time in milliseconds. */
  static wallMs(): f64 {
    return rawClock.wallMs();
  }

  /** Milliseconds that only grow, with fractions. */
  static monotonicMs(): f64 {
    return rawClock.monotonicMs();
  }
}

/** Grant `random`. */
export class random {
  static word(): u32 {
    return rawRandom.word();
  }

  /** At most 65536 bytes. */
  static bytes(count: u32): Bytes {
    return rawRandom.bytes(count);
  }

  /** From 0 up to but not including 1. */
  static fraction(): f64 {
    return <f64> rawRandom.word() / 4294967296.0;
  }
}

/** A label of a metric. */
export function label(key: string, value: string): rawMetrics.Label {
  const label = new rawMetrics.Label();
  label.key = Text.of(key);
  label.value = Text.of(value);
  return label;
}

/** Grant `metrics`. */
export class metrics {
  /** Adds to a counter. */
  static add(name: string, amount: f64 = 1, labels: rawMetrics.Label[] = NO_LABELS): void {
    rawMetrics.add(Text.of(name), labels, amount);
  }

  /** Sets a gauge. */
  static set(name: string, value: f64, labels: rawMetrics.Label[] = NO_LABELS): void {
    rawMetrics.set(Text.of(name), labels, value);
  }

  /** Puts a value into a histogram. */
  static observe(name: string, value: f64, labels: rawMetrics.Label[] = NO_LABELS): void {
    rawMetrics.observe(Text.of(name), labels, value);
  }
}

/** Grant `assets`: files that the operator listed. */
export class assets {
  static read(name: string): Bytes | null {
    return rawAssets.read(Text.of(name));
  }

  /** Changes whenever the content does. */
  static version(name: string): string | null {
    const version = rawAssets.version(Text.of(name));
    return version === null ? null : version.toString();
  }
}

/** Grant `kv`: values that all instances of the agent share. A time to live of 0 means until there is no room. */
export class kv {
  static get(key: string): Bytes | null {
    return rawKv.get(Text.of(key));
  }

  static getText(key: string): string | null {
    const value = rawKv.get(Text.of(key));
    return value === null ? null : value.toString();
  }

  static set(key: string, value: Bytes, ttlMs: u32 = 0): bool {
    return rawKv.set(Text.of(key), value, ttlMs);
  }

  static setText(key: string, value: string, ttlMs: u32 = 0): bool {
    return rawKv.set(Text.of(key), Text.of(value), ttlMs);
  }

  static delete(key: string): bool {
    return rawKv.delete_(Text.of(key));
  }

  /** Adds to a number, which begins at 0 and lives `ttlMs` from its first change; the new value. */
  static incr(key: string, by: i64 = 1, ttlMs: u32 = 0): i64 {
    return rawKv.incr(Text.of(key), by, ttlMs);
  }

  /** Sets the value if it is `expected`, null being none; whether it was. */
  static compareAndSet(key: string, expected: Bytes | null, value: Bytes, ttlMs: u32 = 0): bool {
    return rawKv.compareAndSet(Text.of(key), expected, value, ttlMs);
  }

  /**
   * Takes `cost` from a token bucket that refills at `rate` a second up to `burst`. 0: taken; else the milliseconds
   * until there will be enough.
   */
  static take(key: string, cost: f64, rate: f64, burst: f64): u32 {
    return rawKv.take(Text.of(key), cost, rate, burst);
  }
}

/** Grant `crypto`. */
export class crypto {
  /** `hash` is one of `Hash`. */
  static digest(hash: u8, data: Bytes): Bytes {
    return rawCrypto.digest(hash, data);
  }

  static hmac(hash: u8, key: Bytes, data: Bytes): Bytes {
    return rawCrypto.hmac(hash, key, data);
  }

  /** Compares in time that depends on the lengths alone. */
  static equal(a: Bytes, b: Bytes): bool {
    return rawCrypto.equal(a, b);
  }

  /** `signature` is one of `Signature`, `key` a JWK as JSON. An error says why the key cannot be used. */
  static verify(signature: u8, key: string, data: Bytes, signed: Bytes): Result<bool, Text> {
    return rawCrypto.verify(signature, Text.of(key), data, signed);
  }
}

/** A request to be sent to an origin that the operator listed. */
export class Fetch {
  private readonly request: rawFetch.FetchRequest = new rawFetch.FetchRequest();

  constructor(method: string, url: string) {
    this.request.method = Text.of(method);
    this.request.url = Text.of(url);
    this.request.timeoutMs = 1000;
  }

  static get(url: string): Fetch {
    return new Fetch("GET", url);
  }

  static post(url: string, body: Bytes): Fetch {
    const fetch = new Fetch("POST", url);
    fetch.request.body = body;
    return fetch;
  }

  withHeader(name: string, value: string): Fetch {
    this.request.headers = appended<Header>(this.request.headers, headerOf(name, value));
    return this;
  }

  /** 1000 unless said otherwise. */
  withTimeoutMs(timeoutMs: u32): Fetch {
    this.request.timeoutMs = timeoutMs;
    return this;
  }

  /** Sends it and waits for the answer. Grant `fetch`. */
  send(): Result<rawFetch.FetchResponse, Text> {
    return rawFetch.send(this.request);
  }
}
