;; worlds: zentinel
;; Exceptions that unwind a deep stack.

(tag $oops)
(func $deep (param $depth i32)
  (if (i32.eqz (local.get $depth)) (then (throw $oops)))
  (call $deep (i32.sub (local.get $depth) (i32.const 1))))
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (block $caught
      (try_table (catch $oops $caught) (call $deep (i32.const 2000))))
    (br $again))
  unreachable)
