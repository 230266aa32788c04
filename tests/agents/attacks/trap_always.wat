;; worlds: zentinel sentinel
;; Gives up on every request.

(func $on-request-headers (param $call i32) (result i32)
  unreachable)
