;; worlds: sentinel
;; Logs at a level that does not exist.

(func $on-request-headers (param $call i32) (result i32)
  (call $log (i32.const 77) (i32.const 1344) (i32.const 6) (i32.const 8) (i32.const 0))
  (call $drop (local.get $call))
  (i32.const 1024))
