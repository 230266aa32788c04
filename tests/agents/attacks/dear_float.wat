;; worlds: zentinel
;; The slowest arithmetic with fractions, each step waiting for the one before.

(func $on-request-headers (param $call i32) (result i32) (local $x f64)
  (local.set $x (f64.const 1e300))
  (loop $again
    ;;@repeat 32 (local.set $x (f64.sqrt (f64.div (local.get $x) (f64.const 0x1p-1060))))
    (br $again))
  unreachable)
