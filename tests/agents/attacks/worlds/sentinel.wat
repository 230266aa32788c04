;; What an attack on Sentinel's own world is made of where it does not say otherwise: an agent that allows everything.
;; Static data lies below 2048, an attack's own from there to 4096, arguments above.

(import "sentinel:agent/http@1.0.0" "[method]request.path" (func $path (param i32 i32)))
(import "sentinel:agent/http@1.0.0" "[method]request.header" (func $header (param i32 i32 i32 i32)))
(import "sentinel:agent/http@1.0.0" "[method]request.headers" (func $headers (param i32 i32)))
(import "sentinel:agent/http@1.0.0" "[resource-drop]request" (func $drop (param i32)))
(import "sentinel:agent/log@1.0.0" "write" (func $log (param i32 i32 i32 i32 i32)))
(import "sentinel:agent/clock@1.0.0" "monotonic-ms" (func $clock (result f64)))
(import "sentinel:agent/random@1.0.0" "bytes" (func $random (param i32 i32)))
(import "sentinel:agent/metrics@1.0.0" "observe" (func $observe (param i32 i32 i32 i32 f64)))
(import "sentinel:agent/kv@1.0.0" "get" (func $get (param i32 i32 i32)))
(import "sentinel:agent/kv@1.0.0" "set" (func $set (param i32 i32 i32 i32 i32) (result i32)))
(import "sentinel:agent/kv@1.0.0" "incr" (func $incr (param i32 i32 i64 i32) (result i64)))
(import "sentinel:agent/kv@1.0.0" "take" (func $take (param i32 i32 f64 f64 f64) (result i32)))
(import "sentinel:agent/crypto@1.0.0" "digest" (func $digest (param i32 i32 i32 i32)))
(import "sentinel:agent/crypto@1.0.0" "hmac" (func $hmac (param i32 i32 i32 i32 i32 i32)))
(import "sentinel:agent/crypto@1.0.0" "equal" (func $equal (param i32 i32 i32 i32) (result i32)))
(import "sentinel:agent/crypto@1.0.0" "verify" (func $verify (param i32 i32 i32 i32 i32 i32 i32 i32)))

(memory $memory (export "memory") 1)
(global $arena (mut i32) (i32.const 4096))

(func $cabi_realloc (export "cabi_realloc") (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $start i32)
  (local.set $start
    (i32.and
      (i32.add (global.get $arena) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
  (global.set $arena (i32.add (local.get $start) (local.get $size)))
  (if (i32.gt_u (global.get $arena) (i32.shl (memory.size) (i32.const 16)))
    (then (drop (memory.grow (i32.add (i32.shr_u (local.get $size) (i32.const 16)) (i32.const 1))))))
  (local.get $start))

;; After every call the arena starts over.
(func $post
  (export "cabi_post_sentinel:agent/lifecycle@1.0.0#describe")
  (export "cabi_post_sentinel:agent/lifecycle@1.0.0#configure")
  (export "cabi_post_sentinel:agent/lifecycle@1.0.0#health")
  (export "cabi_post_sentinel:agent/request-handler@1.0.0#on-request-headers")
  (param $result i32)
  (global.set $arena (i32.const 4096)))

(func $describe (export "sentinel:agent/lifecycle@1.0.0#describe") (result i32)
  (i32.const 1280))

(func $configure (export "sentinel:agent/lifecycle@1.0.0#configure") (param $config i32) (param $length i32) (result i32)
  (i32.const 1152))

(func $health (export "sentinel:agent/lifecycle@1.0.0#health") (result i32)
  (i32.const 1152))

(func $drain (export "sentinel:agent/lifecycle@1.0.0#drain") (param $reason i32))

(func $shutdown (export "sentinel:agent/lifecycle@1.0.0#shutdown") (param $reason i32))

(func $on-request-headers (export "sentinel:agent/request-handler@1.0.0#on-request-headers") (param $request i32) (result i32)
  (call $path (local.get $request) (i32.const 1600))
  (call $finish (local.get $request))
  (i32.const 1024))

;; What a call must do before it returns: give back the request that it was lent.
(func $finish (param $request i32)
  (call $drop (local.get $request)))

;; 1024: an outcome of zeros, which allows; 1152: a result of zeros, which is ok; 1280: a description.
(data $info (i32.const 1280)
  "\40\05\00\00\06\00\00\00" ;; id: 6 bytes at 1344
  "\46\05\00\00\01\00\00\00" ;; version
  "\40\05\00\00\06\00\00\00") ;; summary
(data $texts (i32.const 1344) "attack" "1")
