;; worlds: zentinel
;; Fills of a few bytes: the call of the helper costs more than the bytes.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (memory.fill (i32.const 2048) (i32.const 0) (i32.const 15))
    (br $again))
  unreachable)
