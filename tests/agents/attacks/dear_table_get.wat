;; worlds: zentinel
;; Reads functions from a table of many.

(table $t 100 funcref)
(elem (i32.const 0) $shutdown $shutdown)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (drop (table.get $t (i32.const 1)))
    (br $again))
  unreachable)
