;; worlds: sentinel
;; Stores a value under one key after the other.

(func $on-request-headers (param $call i32) (result i32) (local $n i32)
  (loop $again
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    ;; Eight letters that differ each time.
    (i64.store (i32.const 2304)
      (i64.or
        (i64.and (i64.mul (i64.extend_i32_u (local.get $n)) (i64.const 0x9e3779b97f4a7c15)) (i64.const 0x0f0f0f0f0f0f0f0f))
        (i64.const 0x4040404040404040)))
    (drop (call $set (i32.const 2304) (i32.const 8) (i32.const 1024) (i32.const 16) (i32.const 0)))
    (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
