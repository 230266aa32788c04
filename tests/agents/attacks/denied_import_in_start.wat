;; worlds: sentinel
;; Calls an import before it is an instance.

(func $begin (call $log (i32.const 1) (i32.const 1344) (i32.const 6) (i32.const 8) (i32.const 0)))
(start $begin)
