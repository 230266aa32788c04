;; worlds: zentinel
;; Counts bits, shifts and swaps on vectors of bytes.

(func $on-request-headers (param $call i32) (result i32) (local $x v128)
  (loop $again
    ;;@repeat 32 (local.set $x (i8x16.popcnt (i8x16.shl (i8x16.swizzle (local.get $x) (local.get $x)) (i32.const 3))))
    (br $again))
  unreachable)
