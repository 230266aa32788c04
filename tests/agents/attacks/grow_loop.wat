;; worlds: zentinel sentinel
;; Grows page by page, writes to each, and past the last.

(func $on-request-headers (param $call i32) (result i32) (local $at i32)
  (loop $again
    (drop (memory.grow (i32.const 1)))
    (local.set $at (i32.add (local.get $at) (i32.const 65536)))
    (i32.store (local.get $at) (i32.const 1))
    (br $again))
  unreachable)
