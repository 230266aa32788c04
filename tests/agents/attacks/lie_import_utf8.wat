;; worlds: sentinel
;; Logs what is no text.

(data $bad (i32.const 2064) "\ff\fe")
(func $on-request-headers (param $call i32) (result i32)
  (call $log (i32.const 1) (i32.const 2064) (i32.const 2) (i32.const 8) (i32.const 0))
  (call $drop (local.get $call))
  (i32.const 1024))
