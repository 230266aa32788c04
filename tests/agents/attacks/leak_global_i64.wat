;; worlds: zentinel
;; Counts requests in a global of type i64.

(global $g (mut i64) (i64.const 0))
;; How many requests it saw before, as one digit in a tag.
(func $on-request-headers (param $call i32) (result i32)
  (i32.store8 (i32.const 2064) (i32.add (i32.const 48) (i32.wrap_i64 (global.get $g))))
  (global.set $g (i64.add (global.get $g) (i64.const 1)))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 1))
  (i32.const 1024))
