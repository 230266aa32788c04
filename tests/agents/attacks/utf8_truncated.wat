;; worlds: zentinel
;; A tag that ends within a character.

(data $bad (i32.const 2064) "ok\e2\82")
(func $on-request-headers (param $call i32) (result i32)
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 1))
  (i32.store (i32.const 2048) (i32.const 2064))
  (i32.store (i32.const 2052) (i32.const 4))
  (i32.const 1024))
