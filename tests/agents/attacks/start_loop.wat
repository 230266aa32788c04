;; worlds: zentinel sentinel
;; Never gets as far as to be an instance.

(func $begin (loop $again (br $again)))
(start $begin)
