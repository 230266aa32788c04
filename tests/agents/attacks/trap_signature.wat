;; worlds: zentinel
;; Calls through a table what has another signature.

(type $other (func (param f64) (result i32)))
(table $t 1 funcref)
(elem (i32.const 0) $on-request-headers)
(func $on-request-headers (param $call i32) (result i32)
  (call_indirect (type $other) (f64.const 0) (i32.const 0)))
