;; worlds: sentinel
;; Logs a message that is beyond its memory.

(func $on-request-headers (param $call i32) (result i32)
  (call $log (i32.const 1) (i32.const 0x7fffff00) (i32.const 1000) (i32.const 8) (i32.const 0))
  (call $drop (local.get $call))
  (i32.const 1024))
