;; worlds: zentinel sentinel
;; The plainest of all: never returns.

(func $on-request-headers (param $call i32) (result i32)
  (loop $again (br $again))
  unreachable)
