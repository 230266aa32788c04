;; worlds: zentinel
;; The slowest arithmetic there is, each step waiting for the one before.

(func $on-request-headers (param $call i32) (result i32) (local $x i64)
  (local.set $x (i64.const 0x2000000001))
  (loop $again
    ;;@repeat 32 (local.set $x (i64.or (i64.rem_s (i64.const 0x7ffffffffffffffb) (local.get $x)) (i64.const 0x2000000001)))
    (br $again))
  unreachable)
