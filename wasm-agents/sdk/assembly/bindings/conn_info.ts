// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.
// deno-lint-ignore-file

/** The interface `conn-info`. */

import { Bytes, EMPTY, loadBytes, loadText, Text } from "../text";

const RESULT: usize = memory.data(60, 8);

/** `tls-info` of `conn-info`. */
export class TlsInfo {
  version: Text = EMPTY;
  cipher: Text = EMPTY;
  serverName: Text | null = null;
  alpn: Text | null = null;
  /** DER, when the client sent a certificate. */
  clientCertificate: Bytes | null = null;
  clientVerified: bool = false;
}

/** Takes TlsInfo out of memory. */
export function loadTlsInfo(at: usize): TlsInfo {
  const value = new TlsInfo();
  value.version = loadText(at);
  value.cipher = loadText(at + 8);
  value.serverName = load<u8>(at, 16) == 0 ? null : loadText(at + 20);
  value.alpn = load<u8>(at, 28) == 0 ? null : loadText(at + 32);
  value.clientCertificate = load<u8>(at, 40) == 0 ? null : loadBytes(at + 44);
  value.clientVerified = load<u8>(at, 52) != 0;
  return value;
}

// asc: @external("sentinel:agent/conn-info@1.0.0", "client-address")
declare function rawClientAddress(p0: i32, p1: i32): void;

/** The client's address as far as it can be believed: trusted proxies are looked through. */
export function clientAddress(request: i32): Text {
  rawClientAddress(request, <i32> RESULT);
  return loadText(RESULT);
}

// asc: @external("sentinel:agent/conn-info@1.0.0", "client-port")
declare function rawClientPort(p0: i32): i32;

/** `client-port` of `conn-info`. */
export function clientPort(request: i32): u16 {
  return <u16> rawClientPort(request);
}

// asc: @external("sentinel:agent/conn-info@1.0.0", "tls")
declare function rawTls(p0: i32, p1: i32): void;

/** `tls` of `conn-info`. */
export function tls(request: i32): TlsInfo | null {
  rawTls(request, <i32> RESULT);
  return load<u8>(RESULT) == 0 ? null : loadTlsInfo(RESULT + 4);
}
