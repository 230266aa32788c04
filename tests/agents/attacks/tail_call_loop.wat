;; worlds: zentinel
;; Repeats without a loop, and without using the stack.

(func $on-request-headers (param $call i32) (result i32)
  (return_call $on-request-headers (local.get $call)))
