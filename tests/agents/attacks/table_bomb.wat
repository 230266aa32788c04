;; worlds: zentinel
;; Grows a table, whose entries lie outside its memory, as far as it goes, again and again.

(table $t 1 funcref)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (drop (table.grow $t (ref.null func) (i32.const 1000000)))
    (br $again))
  unreachable)
