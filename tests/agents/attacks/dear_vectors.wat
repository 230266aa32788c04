;; worlds: zentinel
;; The slowest arithmetic on vectors.

(func $on-request-headers (param $call i32) (result i32) (local $x v128)
  (local.set $x (v128.const f64x2 0x1p-1060 3))
  (loop $again
    ;;@repeat 32 (local.set $x (f64x2.sqrt (f64x2.div (local.get $x) (local.get $x))))
    (br $again))
  unreachable)
