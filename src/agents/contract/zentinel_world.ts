// Generated from wasm-agents/wit/zentinel-agent.wit by `deno task wit`; do not edit.

import type { WorldTypes } from "./world.ts";

/** The world of `zentinel:agent@2.0.0`. */
export const ZENTINEL_WORLD: WorldTypes = {
  package: "zentinel:agent",
  version: "2.0.0",
  imports: new Map(),
  exports: new Map([
    [
      "handler#get-info",
      "()->record{agent-id:string,name:string,version:string,supported-events:list<string>,max-body-size:u64,supports-streaming:bool}",
    ],
    ["handler#configure", "(config:string)->result<_,string>"],
    [
      "handler#on-request-headers",
      "(metadata:record{correlation-id:string,request-id:string,client-ip:string,client-port:u16,server-name:option<string>,protocol:string,tls-version:option<string>,route-id:option<string>,upstream-id:option<string>,timestamp-ms:u64,traceparent:option<string>},method:string,uri:string,headers:list<record{name:string,value:string}>)->record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{url:string,status:u16})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,audit:record{tags:list<string>,rule-ids:list<string>,confidence:option<f32>,reason-codes:list<string>},needs-more:bool}",
    ],
    [
      "handler#on-request-body",
      "(correlation-id:string,data:list<u8>,chunk-index:u32,is-last:bool)->record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{url:string,status:u16})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,audit:record{tags:list<string>,rule-ids:list<string>,confidence:option<f32>,reason-codes:list<string>},needs-more:bool}",
    ],
    [
      "handler#on-response-headers",
      "(correlation-id:string,status:u16,headers:list<record{name:string,value:string}>)->record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{url:string,status:u16})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,audit:record{tags:list<string>,rule-ids:list<string>,confidence:option<f32>,reason-codes:list<string>},needs-more:bool}",
    ],
    [
      "handler#on-response-body",
      "(correlation-id:string,data:list<u8>,chunk-index:u32,is-last:bool)->record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{url:string,status:u16})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,audit:record{tags:list<string>,rule-ids:list<string>,confidence:option<f32>,reason-codes:list<string>},needs-more:bool}",
    ],
    ["lifecycle#health-check", "()->result<string,string>"],
    ["lifecycle#shutdown", "()->_"],
  ]),
};
