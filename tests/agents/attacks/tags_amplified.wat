;; worlds: zentinel
;; 20 000 tags that are all the same 60 000 bytes: 1.2 GB for the price of a small loop.

(memory $memory (export "memory") 8)
(func $on-request-headers (param $call i32) (result i32) (local $i i32)
  (memory.fill (i32.const 8192) (i32.const 97) (i32.const 60000))
  (loop $again
    (i32.store (i32.add (i32.const 131072) (i32.shl (local.get $i) (i32.const 3))) (i32.const 8192))
    (i32.store (i32.add (i32.const 131076) (i32.shl (local.get $i) (i32.const 3))) (i32.const 60000))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 20000))))
  (i32.store (i32.const 1068) (i32.const 131072))
  (i32.store (i32.const 1072) (i32.const 20000))
  (i32.const 1024))
