;; worlds: sentinel
;; Draws random bytes until memory is full.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $random (i32.const 65536) (i32.const 2048))
    (br $again))
  unreachable)
