;; worlds: sentinel
;; Verifies signatures by es384 again and again.

(data $key (i32.const 2304) "{\"kty\":\"EC\",\"x\":\"rYsw8RzCK6cQUH-2zIId54NvgUf7udbSZWZqGa6s4hOxHL82FH32kuQJOg6HC466\",\"y\":\"VAA3angNVq4kIDgfTC65CAk8e3p1L9-nIYzFmQZ5RQgzSuhp6HknybR-t-9TvykJ\",\"crv\":\"P-384\"}")
(func $on-request-headers (param $call i32) (result i32)
  (loop $again
    (call $verify (i32.const 7) (i32.const 2304) (i32.const 168) (i32.const 2304) (i32.const 20) (i32.const 2304) (i32.const 96) (i32.const 2048))
    (global.set $arena (i32.const 4096))
    (br $again))
  unreachable)
