;; worlds: zentinel sentinel
;; Copies 2 MB again and again.

(memory $memory (export "memory") 64)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (memory.copy (i32.const 8192) (i32.const 2100000) (i32.const 2000000))
    (br $again))
  unreachable)
