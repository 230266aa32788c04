;; worlds: zentinel
;; Drops segments, over and over.

(data $d "x")
(table $t 1 funcref)
(elem $e func $shutdown)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (data.drop $d) (elem.drop $e)
    (br $again))
  unreachable)
