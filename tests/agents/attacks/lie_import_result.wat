;; worlds: sentinel
;; Has the path written beyond its memory.

(func $on-request-headers (param $call i32) (result i32)
  (call $path (local.get $call) (i32.const 0xfffffff8))
  (call $drop (local.get $call))
  (i32.const 1024))
