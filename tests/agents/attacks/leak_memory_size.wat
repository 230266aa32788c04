;; worlds: zentinel
;; Counts requests in the size of its memory.

;; How many requests it saw before, as one digit in a tag.
(func $on-request-headers (param $call i32) (result i32)
  (i32.store8 (i32.const 2064) (i32.add (i32.const 48) (i32.sub (memory.size) (i32.const 1))))
  (drop (memory.grow (i32.const 1)))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 1))
  (i32.const 1024))
