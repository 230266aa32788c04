;; worlds: zentinel sentinel
;; Gives up before it is an instance.

(func $begin unreachable)
(start $begin)
