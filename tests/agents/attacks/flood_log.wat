;; worlds: sentinel
;; Fills the log.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $log (i32.const 1) (i32.const 1344) (i32.const 6) (i32.const 8) (i32.const 0))
    (br $again))
  unreachable)
