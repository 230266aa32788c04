;; worlds: zentinel
;; Each call clears 9000 locals, for the price of a few instructions.

(func $wide
  (local i64 ;;@repeat 8999 i64
  ))
(func $on-request-headers (param $call i32) (result i32)
  (loop $again (call $wide) (br $again))
  unreachable)
