;; worlds: zentinel
;; Address and length of the list add up to more than 32 bits.

(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1068) (i32.const 0xfffffff8))
  (i32.store (i32.const 1072) (i32.const 3))
  (i32.const 1024))
