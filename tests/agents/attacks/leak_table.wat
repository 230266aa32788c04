;; worlds: zentinel
;; Remembers in a table that there was a request.

(table $t 1 funcref)
(elem declare func $shutdown)
;; How many requests it saw before, as one digit in a tag.
(func $on-request-headers (param $call i32) (result i32)
  (i32.store8 (i32.const 2064) (i32.add (i32.const 48) (i32.eqz (ref.is_null (table.get $t (i32.const 0))))))
  (table.set $t (i32.const 0) (ref.func $shutdown))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 1))
  (i32.const 1024))
