;; worlds: zentinel sentinel
;; The result is beyond memory.

(func $on-request-headers (param $call i32) (result i32)
  (i32.const 0x7ffffff0))
