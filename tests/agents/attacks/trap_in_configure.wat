;; worlds: zentinel sentinel
;; Gives up when it is configured.

(func $configure (param $config i32) (param $length i32) (result i32)
  unreachable)
