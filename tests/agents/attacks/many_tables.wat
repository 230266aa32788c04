;; worlds: zentinel
;; Declares a hundred tables of a hundred thousand entries: each is small, all together are not.

(table 100000 funcref) ;;@repeat 99 (table 100000 funcref)
