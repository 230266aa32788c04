;; worlds: zentinel
;; The list of tags is not aligned.

(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1068) (i32.const 2049))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.const 1024))
