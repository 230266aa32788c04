;; worlds: zentinel
;; Takes functions out of a table.

(table $t 1 funcref)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (table.set $t (i32.const 0) (ref.null func))
    (br $again))
  unreachable)
