;; worlds: zentinel
;; Counts requests in a global of type v128.

(global $g (mut v128) (v128.const i32x4 0 0 0 0))
;; How many requests it saw before, as one digit in a tag.
(func $on-request-headers (param $call i32) (result i32)
  (i32.store8 (i32.const 2064) (i32.add (i32.const 48) (i32x4.extract_lane 3 (global.get $g))))
  (global.set $g (i32x4.add (global.get $g) (v128.const i32x4 1 1 1 1)))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 1))
  (i32.const 1024))
