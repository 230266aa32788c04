;; worlds: zentinel
;; Copying nothing into a table is slow.

(table $t 1 funcref)
(elem $e func $shutdown)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (table.init $t $e (i32.const 0) (i32.const 0) (i32.const 0))
    (br $again))
  unreachable)
