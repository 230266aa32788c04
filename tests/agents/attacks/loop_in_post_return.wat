;; worlds: zentinel sentinel
;; Answers, and then never finishes cleaning up.

;; Only after a request, so that it is a request that suffers.
(global $armed (mut i32) (i32.const 0))
(func $on-request-headers (param $call i32) (result i32)
  (global.set $armed (i32.const 1))
  (call $finish (local.get $call))
  (i32.const 1024))
(func $post (param $result i32)
  (if (global.get $armed)
    (then (loop $again (br $again)))))
