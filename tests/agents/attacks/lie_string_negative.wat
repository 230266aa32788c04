;; worlds: zentinel
;; A tag of minus one bytes.

(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2100))
  (i32.store (i32.const 2052) (i32.const -1))
  (i32.const 1024))
