;; worlds: zentinel
;; Conversions that take several steps.

(func $on-request-headers (param $call i32) (result i32) (local $x f64)
  (loop $again
    ;;@repeat 32 (local.set $x (f64.convert_i64_u (i64.trunc_sat_f64_u (f64.nearest (local.get $x)))))
    (br $again))
  unreachable)
