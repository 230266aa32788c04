;; What an attack on the reference world is made of where it does not say otherwise: an agent that allows everything.
;; Static data lies below 2048, an attack's own from there to 4096, arguments above.

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
  (export "cabi_post_zentinel:agent/handler@2.0.0#get-info")
  (export "cabi_post_zentinel:agent/handler@2.0.0#configure")
  (export "cabi_post_zentinel:agent/handler@2.0.0#on-request-headers")
  (export "cabi_post_zentinel:agent/handler@2.0.0#on-request-body")
  (export "cabi_post_zentinel:agent/handler@2.0.0#on-response-headers")
  (export "cabi_post_zentinel:agent/handler@2.0.0#on-response-body")
  (export "cabi_post_zentinel:agent/lifecycle@2.0.0#health-check")
  (param $result i32)
  (global.set $arena (i32.const 4096)))

(func $get-info (export "zentinel:agent/handler@2.0.0#get-info") (result i32)
  (i32.const 1280))

(func $configure (export "zentinel:agent/handler@2.0.0#configure") (param $config i32) (param $length i32) (result i32)
  (i32.const 1152))

(func $on-request-headers (export "zentinel:agent/handler@2.0.0#on-request-headers") (param $call i32) (result i32)
  (i32.const 1024))

(func $on-request-body (export "zentinel:agent/handler@2.0.0#on-request-body")
  (param $id i32) (param $id_length i32) (param $data i32) (param $data_length i32) (param $index i32) (param $last i32)
  (result i32)
  (i32.const 1024))

(func $on-response-headers (export "zentinel:agent/handler@2.0.0#on-response-headers")
  (param $id i32) (param $id_length i32) (param $status i32) (param $headers i32) (param $count i32)
  (result i32)
  (i32.const 1024))

(func $on-response-body (export "zentinel:agent/handler@2.0.0#on-response-body")
  (param $id i32) (param $id_length i32) (param $data i32) (param $data_length i32) (param $index i32) (param $last i32)
  (result i32)
  (i32.const 1024))

(func $health-check (export "zentinel:agent/lifecycle@2.0.0#health-check") (result i32)
  (i32.const 1152))

(func $shutdown (export "zentinel:agent/lifecycle@2.0.0#shutdown"))

;; What a call must do before it returns: nothing, in this world.
(func $finish (param $call i32))

;; 1024: an agent-response of zeros, which allows; 1152: a result of zeros, which is ok; 1280: agent-info.
(data $info (i32.const 1280)
  "\40\05\00\00\06\00\00\00" ;; id: 6 bytes at 1344
  "\40\05\00\00\06\00\00\00" ;; name
  "\46\05\00\00\01\00\00\00" ;; version
  "\48\05\00\00\02\00\00\00" ;; events: 2 at 1352
  "\00\00\01\00\00\00\00\00" ;; 65536 body bytes
  "\00\00\00\00\00\00\00\00")
(data $texts (i32.const 1344)
  "attack" "1" "\00"
  "\58\05\00\00\0f\00\00\00" "\67\05\00\00\0c\00\00\00"
  "request_headers" "request_body")
