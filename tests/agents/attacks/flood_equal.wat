;; worlds: sentinel
;; Compares 60 000 bytes with themselves again and again.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (drop (call $equal (i32.const 1024) (i32.const 60000) (i32.const 1024) (i32.const 60000)))
    (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
