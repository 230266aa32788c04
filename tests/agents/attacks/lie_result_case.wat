;; worlds: zentinel
;; A configuration that neither worked nor failed.

(func $configure (param $config i32) (param $length i32) (result i32)
  (i32.store8 (i32.const 1152) (i32.const 2))
  (i32.const 1152))
