;; worlds: sentinel
;; Stores 60 000 bytes, and reads them again and again.

(memory $memory (export "memory") 4)
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (drop (call $set (i32.const 1344) (i32.const 6) (i32.const 1024) (i32.const 60000) (i32.const 0)))
    (loop $read (global.set $arena (i32.const 4096)) (call $get (i32.const 1344) (i32.const 6) (i32.const 2048)) (br $read))
    (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
