;; worlds: zentinel
;; Every list of the response holds as many entries as may be, each of 400 bytes: all lists together are too much.

(memory $memory (export "memory") 8)
(func $list (param $field i32)
  (i32.store (local.get $field) (i32.const 131072))
  (i32.store offset=4 (local.get $field) (i32.const 800)))
(func $on-request-headers (param $call i32) (result i32) (local $i i32)
  (memory.fill (i32.const 8192) (i32.const 97) (i32.const 400))
  (loop $again
    (i32.store (i32.add (i32.const 131072) (i32.shl (local.get $i) (i32.const 3))) (i32.const 8192))
    (i32.store (i32.add (i32.const 131076) (i32.shl (local.get $i) (i32.const 3))) (i32.const 400))
    (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 4000))))
  (i32.store8 (i32.const 1024) (i32.const 1)) ;; block, with these headers
  (i32.store16 (i32.const 1028) (i32.const 403))
  (call $list (i32.const 1044))
  (call $list (i32.const 1068))
  (call $list (i32.const 1076))
  (call $list (i32.const 1092))
  (i32.const 1024))
