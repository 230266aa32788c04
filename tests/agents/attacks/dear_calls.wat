;; worlds: zentinel
;; Calls through a table, where every signature is looked at.

(type $none (func))
(table $t 1 funcref)
(elem (i32.const 0) $shutdown)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (call_indirect (type $none) (i32.const 0))
    (br $again))
  unreachable)
