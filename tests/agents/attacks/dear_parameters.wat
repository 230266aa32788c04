;; worlds: zentinel
;; Calls with many parameters and many results.

(func $wide (param i64 ;;@repeat 199 i64
  ) (result i64 ;;@repeat 29 i64
  )
  ;;@repeat 30 local.get 7
)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 200 i64.const 5
    (call $wide)
    ;;@repeat 30 drop
    (br $again))
  unreachable)
