;; worlds: sentinel
;; Calls an import while the host writes to it, which the contract of components forbids.

;; Only once it is configured, so that it is a request that suffers.
(global $armed (mut i32) (i32.const 0))
(func $configure (param $config i32) (param $length i32) (result i32)
  (global.set $armed (i32.const 1))
  (i32.const 1152))
(func $cabi_realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (if (global.get $armed)
    (then (call $log (i32.const 1) (i32.const 1344) (i32.const 6) (i32.const 8) (i32.const 0))))
  (i32.const 8192))
