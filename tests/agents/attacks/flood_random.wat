;; worlds: sentinel
;; Draws 65 536 random bytes again and again.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $random (i32.const 65536) (i32.const 2048)) (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
