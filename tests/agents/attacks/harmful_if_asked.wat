;; worlds: zentinel
;; Harmless until it is asked: the first letter of the path chooses what it does, `l`oop, `t`rap, lie about its `r`esult, eat `m`emory, recurse `d`eeply.

(func $dig (param $n i32) (result i32)
  (i32.add (call $dig (local.get $n)) (i32.const 1)))
(func $on-request-headers (param $call i32) (result i32)
  (local $letter i32)
  (local.set $letter (i32.load8_u offset=1 (i32.load offset=120 (local.get $call))))
  (if (i32.eq (local.get $letter) (i32.const 0x6c)) (then (loop $again (br $again))))
  (if (i32.eq (local.get $letter) (i32.const 0x74)) (then (unreachable)))
  (if (i32.eq (local.get $letter) (i32.const 0x72)) (then (return (i32.const 0xfffffff0))))
  (if (i32.eq (local.get $letter) (i32.const 0x6d))
    (then
      (drop (memory.grow (i32.const 500)))
      (i32.store (i32.const 0xfffffff0) (i32.const 1))))
  (if (i32.eq (local.get $letter) (i32.const 0x64)) (then (return (call $dig (local.get $call)))))
  (i32.const 1024))
