;; worlds: sentinel
;; Asks for headers with names of 60 000 bytes.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $header (local.get $call) (i32.const 1024) (i32.const 60000) (i32.const 2048)) (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
