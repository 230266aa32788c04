;; worlds: zentinel
;; A tag with half of a pair.

(data $bad (i32.const 2064) "\ed\a0\80")
(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 3))
  (i32.const 1024))
