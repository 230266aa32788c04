;; worlds: zentinel sentinel
;; The result is not aligned.

(func $on-request-headers (param $call i32) (result i32)
  (i32.const 1026))
