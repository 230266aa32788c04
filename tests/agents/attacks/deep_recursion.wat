;; worlds: zentinel sentinel
;; Calls itself until the stack is used up.

(func $on-request-headers (param $call i32) (result i32)
  (i32.add (call $on-request-headers (local.get $call)) (i32.const 1)))
