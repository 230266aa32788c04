;; worlds: zentinel
;; Copying nothing between tables is slow.

(table $t 1 funcref)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (table.copy $t $t (i32.const 0) (i32.const 0) (i32.const 0))
    (br $again))
  unreachable)
