;; worlds: zentinel
;; A function with 40 000 locals.

(func $wide
  (local i64 ;;@repeat 39999 i64
  ))
(func $on-request-headers (param $call i32) (result i32)
  (call $wide)
  (i32.const 1024))
