;; worlds: zentinel sentinel
;; Never finishes its configuration.

(func $configure (param $config i32) (param $length i32) (result i32)
  (loop $again (br $again))
  unreachable)
