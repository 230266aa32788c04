;; worlds: zentinel
;; The list of tags is beyond memory.

(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1068) (i32.const 0x10000000))
  (i32.store (i32.const 1072) (i32.const 3))
  (i32.const 1024))
