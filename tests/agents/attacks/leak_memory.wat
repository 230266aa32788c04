;; worlds: zentinel
;; Keeps the target of a request in memory, and tells it to the next.

;; 2560: the length of what it kept, and from 2564 what it kept; 3072 and on: the same of the request before.
(func $on-request-headers (param $call i32) (result i32)
  (memory.copy (i32.const 3072) (i32.const 2560) (i32.const 512))
  (i32.store (i32.const 2560) (i32.load offset=124 (local.get $call)))
  (memory.copy (i32.const 2564) (i32.load offset=120 (local.get $call)) (i32.load offset=124 (local.get $call)))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 3076))
  (i32.store (i32.const 2052) (i32.load (i32.const 3072)))
  (i32.const 1024))
