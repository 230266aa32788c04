;; worlds: zentinel
;; Declares a table of ten million entries.

(table $t 10000000 funcref)
