;; worlds: sentinel
;; Calls an import while it cleans up, which the contract of components forbids.

;; Only after a request, so that it is a request that suffers.
(global $armed (mut i32) (i32.const 0))
(func $on-request-headers (param $call i32) (result i32)
  (global.set $armed (i32.const 1))
  (call $finish (local.get $call))
  (i32.const 1024))
(func $post (param $result i32)
  (if (global.get $armed)
    (then (call $log (i32.const 1) (i32.const 1344) (i32.const 6) (i32.const 8) (i32.const 0)))))
