;; worlds: sentinel
;; Reads all headers without end.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $headers (local.get $call) (i32.const 2048)) (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
