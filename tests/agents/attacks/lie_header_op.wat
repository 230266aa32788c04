;; worlds: zentinel
;; A header edit that does not exist.

(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1052) (i32.const 2048))
  (i32.store (i32.const 1056) (i32.const 1))
  (i32.store8 (i32.const 2048) (i32.const 3))
  (i32.const 1024))
