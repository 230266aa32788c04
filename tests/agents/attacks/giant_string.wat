;; worlds: zentinel
;; One tag of nearly 1 MB.

(memory $memory (export "memory") 16)
(func $on-request-headers (param $call i32) (result i32)
  (memory.fill (i32.const 8192) (i32.const 97) (i32.const 1000000))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 8192))
  (i32.store (i32.const 2052) (i32.const 1000000))
  (i32.const 1024))
