;; worlds: zentinel sentinel
;; Fills what it does not have.

(func $on-request-headers (param $call i32) (result i32)
  (memory.fill (i32.const 0) (i32.const 7) (i32.const 0xffffffff))
  (i32.const 1024))
