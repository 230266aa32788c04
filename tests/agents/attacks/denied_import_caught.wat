;; worlds: sentinel
;; Calls an import that may not be granted, and carries on as if nothing had been.

(func $on-request-headers (param $call i32) (result i32)
  (block $caught
    (try_table (catch_all $caught) (call $log (i32.const 1) (i32.const 1344) (i32.const 6) (i32.const 8) (i32.const 0))))
  (call $drop (local.get $call))
  (i32.const 1024))
