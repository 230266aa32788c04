;; worlds: zentinel
;; A list of empty strings, as long as memory goes.

(memory $memory (export "memory") 16)
(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1068) (i32.const 8192))
  (i32.store (i32.const 1072) (i32.const 100000))
  (i32.const 1024))
