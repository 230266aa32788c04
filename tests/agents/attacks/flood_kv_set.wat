;; worlds: sentinel
;; Stores 60 000 bytes again and again.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (drop (call $set (i32.const 1344) (i32.const 6) (i32.const 1024) (i32.const 60000) (i32.const 0)))
    (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
