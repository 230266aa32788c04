;; worlds: sentinel
;; Verifies signatures by es256 again and again.

(data $key (i32.const 2304) "{\"kty\":\"EC\",\"x\":\"QcvIKN8sTAs90nX3ALr6ldIg_sUvre_qil0N4XCgvwg\",\"y\":\"yDl0Go0Wd3xAOfZ9z6wVvyRNaoBeKH5XJXNDr7sfYjw\",\"crv\":\"P-256\"}")
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $verify (i32.const 6) (i32.const 2304) (i32.const 126) (i32.const 2304) (i32.const 20) (i32.const 2304) (i32.const 64) (i32.const 2048))
    (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
