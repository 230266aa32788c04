;; worlds: zentinel
;; Reads all over its memory, so that each read waits for the last and for the memory of the machine.

(memory $memory (export "memory") 480)
(func $on-request-headers (param $call i32) (result i32) (local $at i32)
  (loop $again
    ;;@repeat 32 (local.set $at (i32.rem_u (i32.add (i32.mul (local.get $at) (i32.const 1664525)) (i32.add (i32.load (local.get $at)) (i32.const 1013904223))) (i32.const 31000000)))
    (br $again))
  unreachable)
