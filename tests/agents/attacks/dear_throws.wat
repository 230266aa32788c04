;; worlds: zentinel
;; Exceptions thrown and caught: each one unwinds.

(tag $oops)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (block $caught
      (try_table (catch $oops $caught) (throw $oops)))
    (br $again))
  unreachable)
