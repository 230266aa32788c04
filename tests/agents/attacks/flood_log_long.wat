;; worlds: sentinel
;; Fills the log with messages of 60 000 bytes.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $log (i32.const 1) (i32.const 1024) (i32.const 60000) (i32.const 8) (i32.const 0))
    (br $again))
  unreachable)
