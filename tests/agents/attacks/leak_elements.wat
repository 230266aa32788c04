;; worlds: zentinel
;; Remembers by dropping an element segment that there was a request: it gives up on the next.

(table $t 1 funcref)
(elem $e func $shutdown)
;; How many requests it saw before, as one digit in a tag.
(func $on-request-headers (param $call i32) (result i32)
  (i32.store8 (i32.const 2064) (i32.add (i32.const 48) (i32.const 0)))
  (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))
  (elem.drop $e)
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 1))
  (i32.const 1024))
