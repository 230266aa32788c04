;; worlds: zentinel
;; Filling nothing of a table is slow.

(table $t 1 funcref)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (table.fill $t (i32.const 0) (ref.null func) (i32.const 0))
    (br $again))
  unreachable)
