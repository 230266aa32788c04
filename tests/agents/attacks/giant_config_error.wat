;; worlds: zentinel
;; Refuses its configuration with a message of 1 MB.

(memory $memory (export "memory") 16)
(func $configure (param $config i32) (param $length i32) (result i32)
  (memory.fill (i32.const 8192) (i32.const 97) (i32.const 1000000))
  (i32.store8 (i32.const 1152) (i32.const 1))
  (i32.store (i32.const 1156) (i32.const 8192))
  (i32.store (i32.const 1160) (i32.const 1000000))
  (i32.const 1152))
