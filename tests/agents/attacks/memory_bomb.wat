;; worlds: zentinel sentinel
;; Asks for nearly 4 GiB at once, and writes to the end of it.

(func $on-request-headers (param $call i32) (result i32)
  (drop (memory.grow (i32.const 60000)))
  (i32.store (i32.const 0xf0000000) (i32.const 1))
  (i32.const 1024))
