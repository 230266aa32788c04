;; worlds: zentinel
;; Calls itself through a table.

(type $hook (func (param i32) (result i32)))
(table $t 1 funcref)
(elem (i32.const 0) $on-request-headers)
(func $on-request-headers (param $call i32) (result i32)
  (i32.add (call_indirect (type $hook) (local.get $call) (i32.const 0)) (i32.const 1)))
