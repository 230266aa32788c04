// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

import type { WorldTypes } from "./world.ts";

/** The world of `sentinel:agent@1.0.0`. */
export const SENTINEL_WORLD: WorldTypes = {
  package: "sentinel:agent",
  version: "1.0.0",
  imports: new Map([
    ["http#[method]request.id", "(self:borrow<request>)->string"],
    ["http#[method]request.method", "(self:borrow<request>)->string"],
    ["http#[method]request.target", "(self:borrow<request>)->string"],
    ["http#[method]request.path", "(self:borrow<request>)->string"],
    ["http#[method]request.query", "(self:borrow<request>)->string"],
    ["http#[method]request.host", "(self:borrow<request>)->string"],
    ["http#[method]request.header", "(self:borrow<request>,name:string)->option<string>"],
    ["http#[method]request.headers", "(self:borrow<request>)->list<record{name:string,value:string}>"],
    ["http#[method]request.route", "(self:borrow<request>)->option<string>"],
    ["http#[method]request.upstream", "(self:borrow<request>)->option<string>"],
    ["http#[method]request.traceparent", "(self:borrow<request>)->string"],
    ["http#[method]request.metadata", "(self:borrow<request>,key:string)->option<string>"],
    ["http#[method]response.status", "(self:borrow<response>)->u16"],
    ["http#[method]response.header", "(self:borrow<response>,name:string)->option<string>"],
    ["http#[method]response.headers", "(self:borrow<response>)->list<record{name:string,value:string}>"],
    [
      "log#write",
      "(level:enum{debug,info,warn,error},message:string,fields:list<record{key:string,value:string}>)->_",
    ],
    ["clock#wall-ms", "()->f64"],
    ["clock#monotonic-ms", "()->f64"],
    ["random#word", "()->u32"],
    ["random#bytes", "(count:u32)->list<u8>"],
    ["metrics#add", "(name:string,labels:list<record{key:string,value:string}>,amount:f64)->_"],
    ["metrics#set", "(name:string,labels:list<record{key:string,value:string}>,value:f64)->_"],
    ["metrics#observe", "(name:string,labels:list<record{key:string,value:string}>,value:f64)->_"],
    ["assets#read", "(name:string)->option<list<u8>>"],
    ["assets#version", "(name:string)->option<string>"],
    ["kv#get", "(key:string)->option<list<u8>>"],
    ["kv#set", "(key:string,value:list<u8>,ttl-ms:u32)->bool"],
    ["kv#delete", "(key:string)->bool"],
    ["kv#incr", "(key:string,by:s64,ttl-ms:u32)->s64"],
    ["kv#compare-and-set", "(key:string,expected:option<list<u8>>,value:list<u8>,ttl-ms:u32)->bool"],
    ["kv#take", "(key:string,cost:f64,rate:f64,burst:f64)->u32"],
    ["crypto#digest", "(hash:enum{md5,sha1,sha256,sha384,sha512},data:list<u8>)->list<u8>"],
    ["crypto#hmac", "(hash:enum{md5,sha1,sha256,sha384,sha512},key:list<u8>,data:list<u8>)->list<u8>"],
    ["crypto#equal", "(a:list<u8>,b:list<u8>)->bool"],
    [
      "crypto#verify",
      "(signature:enum{rs256,rs384,rs512,ps256,ps384,ps512,es256,es384,eddsa},key:string,data:list<u8>,signed:list<u8>)->result<bool,string>",
    ],
    [
      "fetch#send",
      "(request:record{method:string,url:string,headers:list<record{name:string,value:string}>,body:option<list<u8>>,timeout-ms:u32})->result<record{status:u16,headers:list<record{name:string,value:string}>,body:list<u8>},string>",
    ],
    ["conn-info#client-address", "(request:borrow<request>)->string"],
    ["conn-info#client-port", "(request:borrow<request>)->u16"],
    [
      "conn-info#tls",
      "(request:borrow<request>)->option<record{version:string,cipher:string,server-name:option<string>,alpn:option<string>,client-certificate:option<list<u8>>,client-verified:bool}>",
    ],
  ]),
  exports: new Map([
    ["lifecycle#describe", "()->record{id:string,version:string,summary:string}"],
    ["lifecycle#configure", "(config:string)->result<_,list<record{path:string,message:string}>>"],
    ["lifecycle#health", "()->result<string,string>"],
    ["lifecycle#drain", "(reason:enum{config-reload,replaced,removed,shutdown})->_"],
    ["lifecycle#shutdown", "(reason:enum{config-reload,replaced,removed,shutdown})->_"],
    [
      "request-handler#on-request-headers",
      "(request:borrow<request>)->record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{status:u16,location:string}),challenge(record{kind:string,params:list<record{name:string,value:string}>})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,target:option<string>,method:option<string>,metadata:list<record{name:string,value:string}>,audit:record{tags:list<string>,rule-ids:list<string>,reason-codes:list<string>,confidence:option<f32>,custom:list<record{name:string,value:string}>},needs-more:bool}",
    ],
    [
      "request-body-handler#on-request-body",
      "(request:borrow<request>,chunk:list<u8>,index:u32,last:bool)->record{outcome:record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{status:u16,location:string}),challenge(record{kind:string,params:list<record{name:string,value:string}>})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,target:option<string>,method:option<string>,metadata:list<record{name:string,value:string}>,audit:record{tags:list<string>,rule-ids:list<string>,reason-codes:list<string>,confidence:option<f32>,custom:list<record{name:string,value:string}>},needs-more:bool},edit:variant{keep,drop,replace(list<u8>)}}",
    ],
    [
      "response-handler#on-response-headers",
      "(request:borrow<request>,response:borrow<response>)->record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{status:u16,location:string}),challenge(record{kind:string,params:list<record{name:string,value:string}>})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,target:option<string>,method:option<string>,metadata:list<record{name:string,value:string}>,audit:record{tags:list<string>,rule-ids:list<string>,reason-codes:list<string>,confidence:option<f32>,custom:list<record{name:string,value:string}>},needs-more:bool}",
    ],
    [
      "response-body-handler#on-response-body",
      "(request:borrow<request>,response:borrow<response>,chunk:list<u8>,index:u32,last:bool)->record{outcome:record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{status:u16,location:string}),challenge(record{kind:string,params:list<record{name:string,value:string}>})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,target:option<string>,method:option<string>,metadata:list<record{name:string,value:string}>,audit:record{tags:list<string>,rule-ids:list<string>,reason-codes:list<string>,confidence:option<f32>,custom:list<record{name:string,value:string}>},needs-more:bool},edit:variant{keep,drop,replace(list<u8>)}}",
    ],
    [
      "completion-handler#on-request-complete",
      "(request:borrow<request>,summary:record{status:u16,duration-ms:f64,request-bytes:u64,response-bytes:u64,upstream-attempts:u32,error:option<string>,agents:list<record{agent:string,verdict:string,rule-ids:list<string>}>})->_",
    ],
    [
      "websocket-handler#ws-open",
      "(request:borrow<request>)->record{decision:variant{allow,block(record{status:u16,body:option<string>,headers:list<record{name:string,value:string}>}),redirect(record{status:u16,location:string}),challenge(record{kind:string,params:list<record{name:string,value:string}>})},request-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,response-headers:list<variant{set(record{name:string,value:string}),add(record{name:string,value:string}),remove(string)}>,target:option<string>,method:option<string>,metadata:list<record{name:string,value:string}>,audit:record{tags:list<string>,rule-ids:list<string>,reason-codes:list<string>,confidence:option<f32>,custom:list<record{name:string,value:string}>},needs-more:bool}",
    ],
    [
      "websocket-handler#ws-frame",
      "(request:borrow<request>,direction:enum{client-to-server,server-to-client},index:u64,frame:record{opcode:enum{continuation,text,binary,close,ping,pong},fin:bool,data:list<u8>})->variant{allow,drop,replace(record{opcode:enum{continuation,text,binary,close,ping,pong},fin:bool,data:list<u8>}),answer(list<record{opcode:enum{continuation,text,binary,close,ping,pong},fin:bool,data:list<u8>}>),close(record{code:u16,reason:string})}",
    ],
    [
      "websocket-handler#ws-close",
      "(request:borrow<request>,reason:option<record{code:u16,reason:string}>)->_",
    ],
    [
      "guardrail-handler#guardrail-inspect",
      "(subject:record{inspection:enum{prompt-injection,pii-detection},content:string,model:option<string>,categories:list<string>,route:option<string>})->record{detected:bool,confidence:f32,detections:list<record{category:string,description:string,severity:enum{low,medium,high,critical},confidence:option<f32>,span:option<tuple<u32,u32>>}>,redacted:option<string>}",
    ],
  ]),
};
