;; worlds: zentinel
;; Remembers in a reference that there was a request.

(global $g (mut funcref) (ref.null func))
(elem declare func $shutdown)
;; How many requests it saw before, as one digit in a tag.
(func $on-request-headers (param $call i32) (result i32)
  (i32.store8 (i32.const 2064) (i32.add (i32.const 48) (i32.eqz (ref.is_null (global.get $g)))))
  (global.set $g (ref.func $shutdown))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 1))
  (i32.const 1024))
