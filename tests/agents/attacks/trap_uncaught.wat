;; worlds: zentinel
;; Throws an exception that nobody catches.

(tag $oops)
(func $on-request-headers (param $call i32) (result i32)
  (throw $oops))
