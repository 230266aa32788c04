;; worlds: zentinel sentinel
;; Fills 3 MB again and again.

(memory $memory (export "memory") 64)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (memory.fill (i32.const 8192) (i32.const 7) (i32.const 3000000))
    (br $again))
  unreachable)
