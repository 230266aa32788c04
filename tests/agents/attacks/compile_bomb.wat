;; worlds: zentinel
;; One function of 1.2 MB, which a compiler would have to chew on at its first call.

(func $bomb
  nop ;;@repeat 1200000 nop
)
(func $on-request-headers (param $call i32) (result i32)
  (call $bomb)
  (i32.const 1024))
