;; worlds: sentinel
;; Reads the path of a request that it was not given.

(func $on-request-headers (param $call i32) (result i32)
  (call $path (i32.const 4242) (i32.const 2048))
  (call $drop (local.get $call))
  (i32.const 1024))
