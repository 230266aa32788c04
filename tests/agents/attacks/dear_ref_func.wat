;; worlds: zentinel
;; Makes references to functions.

(elem declare func $shutdown)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (drop (ref.func $shutdown))
    (br $again))
  unreachable)
