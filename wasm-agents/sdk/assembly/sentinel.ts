/** What authors of agents import: `import { Decision, Request } from "sentinel";`. */

export { bytesUsed, keepCall } from "./arena";
export { Description, Health } from "./agent_facts";
export { AgentVerdict, Summary } from "./bindings/completion_handler";
export { TlsInfo } from "./bindings/conn_info";
export { Hash, Signature } from "./bindings/crypto";
export { FetchResponse } from "./bindings/fetch";
export { Detection, Inspection, Severity, Subject } from "./bindings/guardrail_handler";
export { Header } from "./bindings/http";
export { Reason } from "./bindings/lifecycle";
export { CloseReason, Direction, Frame, Opcode } from "./bindings/websocket_handler";
export { BodyDecision, Chunk } from "./body";
export { ByteWriter } from "./byte_writer";
export { Config, Range } from "./config";
export { Decision, headerOf } from "./decision";
export { Glob, globMatches } from "./glob";
export { detectionOf, Finding, withSpan } from "./guardrail";
export { assets, clock, crypto, Fetch, field, kv, label, log, metrics, random } from "./imports";
export { instantOf } from "./instant";
export { Json, JsonKind, JsonReader } from "./json";
export { decodedString, encodedString, isSameName, quoted } from "./json_string";
export { copyOf, emptyObject, jsonString, jsonText } from "./json_writer";
export { hexDigit, Request, unescaped } from "./request";
export { isJsonType, Response } from "./response";
export { Bytes, EMPTY, lowered, Text } from "./text";
export { Pair, Result, Some } from "./values";
export { FrameDecision, frameOf, WebSocketFrame } from "./websocket";
