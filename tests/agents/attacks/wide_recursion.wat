;; worlds: zentinel
;; Uses up the stack in few and large steps.

(func $wide (param $n i32) (result i32)
  (local i64 ;;@repeat 1000 i64
  )
  (i32.add (call $wide (local.get $n)) (i32.const 1)))
(func $on-request-headers (param $call i32) (result i32)
  (call $wide (local.get $call)))
