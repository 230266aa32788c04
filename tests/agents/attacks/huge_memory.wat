;; worlds: zentinel
;; Declares more memory than an agent may have.

(memory $memory (export "memory") 20000)
