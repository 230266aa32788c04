;; worlds: zentinel
;; Growing a table by nothing is slow.

(table $t 1 funcref)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (drop (table.grow $t (ref.null func) (i32.const 0)))
    (br $again))
  unreachable)
