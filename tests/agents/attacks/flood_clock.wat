;; worlds: sentinel
;; Asks for the time without end.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (drop (call $clock))
    (br $again))
  unreachable)
