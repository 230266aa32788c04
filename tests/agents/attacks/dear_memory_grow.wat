;; worlds: zentinel
;; Growing by nothing is slow.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (drop (memory.grow (i32.const 0)))
    (br $again))
  unreachable)
