;; worlds: zentinel
;; Remembers by dropping a data segment that there was a request: it gives up on the next.

(data $d "once")
;; How many requests it saw before, as one digit in a tag.
(func $on-request-headers (param $call i32) (result i32)
  (i32.store8 (i32.const 2064) (i32.add (i32.const 48) (i32.const 0)))
  (memory.init $d (i32.const 2100) (i32.const 0) (i32.const 4))
  (data.drop $d)
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 1))
  (i32.const 1024))
