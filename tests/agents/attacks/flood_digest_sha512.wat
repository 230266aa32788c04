;; worlds: sentinel
;; Digests 60 000 bytes by sha512 again and again.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $digest (i32.const 4) (i32.const 1024) (i32.const 60000) (i32.const 2048))
    (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
