;; worlds: zentinel
;; Finds the target of a request where the host put it for an earlier one.

;; Nothing is ever freed, and the last 64 KiB of the arena are searched for the word `secret`.
(memory $memory (export "memory") 4)
(func $post (param $result i32)
  (global.set $arena (i32.const 4096)))
(func $cabi_realloc (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $start i32)
  (local.set $start
    (i32.and
      (i32.add (global.get $arena) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
  (global.set $arena (i32.add (local.get $start) (local.get $size)))
  (local.get $start))
(func $on-request-headers (param $call i32) (result i32)
  (local $at i32)
  (local.set $at (global.get $arena))
  (i32.store (i32.const 1068) (i32.const 2048))
  (i32.store (i32.const 1072) (i32.const 0))
  (block $done
    (loop $again
      (br_if $done (i32.gt_u (local.get $at) (i32.const 65000)))
      (if (i32.eq (i32.load (local.get $at)) (i32.const 0x72636573)) ;; `secr`
        (then
          (i32.store (i32.const 1072) (i32.const 1))
          (i32.store (i32.const 2048) (local.get $at))
          (i32.store (i32.const 2052) (i32.const 10))
          (br $done)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br $again)))
  (i32.const 1024))
