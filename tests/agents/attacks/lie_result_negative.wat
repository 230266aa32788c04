;; worlds: zentinel sentinel
;; The result is at an address with its highest bit set.

(func $on-request-headers (param $call i32) (result i32)
  (i32.const 0xfffffff0))
