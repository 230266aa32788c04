;; worlds: zentinel
;; Copying nothing out of a segment is slow.

(data $d "passive")
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    ;;@repeat 32 (memory.init $d (i32.const 2048) (i32.const 0) (i32.const 0))
    (br $again))
  unreachable)
