;; worlds: sentinel
;; Gives the request back twice.

(func $on-request-headers (param $call i32) (result i32)
  (call $drop (local.get $call))
  (call $drop (local.get $call))
  (i32.const 1024))
