;; worlds: zentinel sentinel
;; Hands out the same memory for everything, which harms nobody but itself.

(func $cabi_realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (i32.const 8192))
