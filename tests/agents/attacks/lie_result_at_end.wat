;; worlds: zentinel sentinel
;; The result begins in memory and ends outside.

(func $on-request-headers (param $call i32) (result i32)
  (i32.const 65532))
