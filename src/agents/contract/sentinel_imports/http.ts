// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** Core functions of `http`. */

import { core } from "../../abi/imported.ts";
import { inRange } from "../../abi/lower.ts";
import type { SentinelInstance } from "../sentinel_instance.ts";
import { storeHeaderList } from "../sentinel_lower.ts";
import type { CoreFunction } from "../../guest.ts";

/** `http#[method]request.id`. */
export function requestId({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.id();
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.id");
    }
  });
}

/** `http#[method]request.method`. */
export function requestMethod({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.method();
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.method");
    }
  });
}

/** `http#[method]request.target`. */
export function requestTarget({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.target();
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.target");
    }
  });
}

/** `http#[method]request.path`. */
export function requestPath({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.path();
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.path");
    }
  });
}

/** `http#[method]request.query`. */
export function requestQuery({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.query();
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.query");
    }
  });
}

/** `http#[method]request.host`. */
export function requestHost({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.host();
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.host");
    }
  });
}

/** `http#[method]request.header`. */
export function requestHeader({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const nameValue = lift.text(a1, a2);
      const room = lift.record(a3, 12, 4);
      abi.beginHost();
      const result = self.header(nameValue);
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.string(room + 4, result);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.header");
    }
  });
}

/** `http#[method]request.headers`. */
export function requestHeaders({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.headers();
      const lower = abi.beginResult();
      lower.pair(room, storeHeaderList(lower, result), result.length);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.headers");
    }
  });
}

/** `http#[method]request.route`. */
export function requestRoute({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 12, 4);
      abi.beginHost();
      const result = self.route();
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.string(room + 4, result);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.route");
    }
  });
}

/** `http#[method]request.upstream`. */
export function requestUpstream({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 12, 4);
      abi.beginHost();
      const result = self.upstream();
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.string(room + 4, result);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.upstream");
    }
  });
}

/** `http#[method]request.traceparent`. */
export function requestTraceparent({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.traceparent();
      const lower = abi.beginResult();
      lower.string(room, result);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.traceparent");
    }
  });
}

/** `http#[method]request.metadata`. */
export function requestMetadata({ abi, requests }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number): void => {
    try {
      const lift = abi.beginImport();
      const self = requests.value(a0);
      const keyValue = lift.text(a1, a2);
      const room = lift.record(a3, 12, 4);
      abi.beginHost();
      const result = self.metadata(keyValue);
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.string(room + 4, result);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]request.metadata");
    }
  });
}

/** `http#[method]response.status`. */
export function responseStatus({ abi, responses }: SentinelInstance): CoreFunction {
  return core((a0: number): number => {
    try {
      abi.beginImport();
      const self = responses.value(a0);
      abi.beginHost();
      const result = self.status();
      abi.beginResult();
      const flat = inRange(result, 0xffff);
      abi.endImport();
      return flat;
    } catch (error) {
      throw abi.failed(error, "http#[method]response.status");
    }
  });
}

/** `http#[method]response.header`. */
export function responseHeader({ abi, responses }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number, a2: number, a3: number): void => {
    try {
      const lift = abi.beginImport();
      const self = responses.value(a0);
      const nameValue = lift.text(a1, a2);
      const room = lift.record(a3, 12, 4);
      abi.beginHost();
      const result = self.header(nameValue);
      const lower = abi.beginResult();
      if (result === undefined) lower.u8(room, 0);
      else {
        lower.u8(room, 1);
        lower.string(room + 4, result);
      }
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]response.header");
    }
  });
}

/** `http#[method]response.headers`. */
export function responseHeaders({ abi, responses }: SentinelInstance): CoreFunction {
  return core((a0: number, a1: number): void => {
    try {
      const lift = abi.beginImport();
      const self = responses.value(a0);
      const room = lift.record(a1, 8, 4);
      abi.beginHost();
      const result = self.headers();
      const lower = abi.beginResult();
      lower.pair(room, storeHeaderList(lower, result), result.length);
      abi.endImport();
    } catch (error) {
      throw abi.failed(error, "http#[method]response.headers");
    }
  });
}
