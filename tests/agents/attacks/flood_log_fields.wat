;; worlds: sentinel
;; Fills the log with messages of 1000 fields.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $log (i32.const 1) (i32.const 1344) (i32.const 6) (i32.const 8192) (i32.const 1000))
    (br $again))
  unreachable)
