;; worlds: zentinel
;; Puts functions into a table, which a later call through it has to know.

(table $t 1 funcref)
(elem declare func $shutdown)
(global $f (mut funcref) (ref.null func))
(func $begin (global.set $f (ref.func $shutdown)))
(start $begin)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (table.set $t (i32.const 0) (global.get $f))
    (br $again))
  unreachable)
