;; worlds: zentinel sentinel
;; Sets the global behind its last one: invalid as it stands, but valid once the fuel counter is there.

;; build.ts makes the next index of this one.
(global $mine (mut i32) (i32.const 0))
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (global.set $mine (i32.const 0x7fffffff)) ;;@next-global
    (br $again))
  unreachable)
