/** A guest of the reference's world that echoes its arguments and returns prepared results. */

import { MEMORY, postReturns, STORE_IMAGE } from "./guest_parts.ts";

const HANDLER = "zentinel:agent/handler@2.0.0#";
const LIFECYCLE = "zentinel:agent/lifecycle@2.0.0#";

/** Where an echo is put together, and its list of header edits. */
const ECHO_AT = 0x400;
const EDITS_AT = 0x500;

/**
 * The echo of `on-request-headers`: the parts of the metadata go where the answer has the same types, so records are
 * just copied. Offsets are those of the canonical ABI for the WIT.
 */
const ECHO_REQUEST = `
  (func $option (param $from i32)
    (if (i32.load8_u (local.get $from)) (then
      (i32.store8 (global.get $edit) (i32.const 2))
      (memory.copy (i32.add (global.get $edit) (i32.const 4)) (i32.add (local.get $from) (i32.const 4)) (i32.const 8))
      (global.set $edit (i32.add (global.get $edit) (i32.const 20)))
      (i32.store (i32.const ${ECHO_AT + 40}) (i32.add (i32.load (i32.const ${
  ECHO_AT + 40
})) (i32.const 1))))))
  (global $edit (mut i32) (i32.const 0))
  (func $echo (export "${HANDLER}on-request-headers") (param $p i32) (result i32)
    (i32.store8 (i32.const ${ECHO_AT}) (i32.const 1))
    (i32.store16 (i32.const ${ECHO_AT + 4}) (i32.load16_u offset=24 (local.get $p)))
    (memory.copy (i32.const ${ECHO_AT + 8}) (i32.add (local.get $p) (i32.const 28)) (i32.const 12))
    (i64.store (i32.const ${ECHO_AT + 20}) (i64.load offset=128 align=4 (local.get $p)))
    (i32.store8 (i32.const ${EDITS_AT}) (i32.const 0))
    (memory.copy (i32.const ${EDITS_AT + 4}) (i32.add (local.get $p) (i32.const 112)) (i32.const 16))
    (i32.store (i32.const ${ECHO_AT + 28}) (i32.const ${EDITS_AT}))
    (i32.store (i32.const ${ECHO_AT + 32}) (i32.const 1))
    (global.set $edit (i32.const ${EDITS_AT + 20}))
    (i32.store (i32.const ${ECHO_AT + 36}) (i32.const ${EDITS_AT + 20}))
    (i32.store (i32.const ${ECHO_AT + 40}) (i32.const 0))
    (call $option (i32.add (local.get $p) (i32.const 48)))
    (call $option (i32.add (local.get $p) (i32.const 60)))
    (call $option (i32.add (local.get $p) (i32.const 72)))
    (call $option (i32.add (local.get $p) (i32.const 96)))
    (i32.store (i32.const ${ECHO_AT + 44}) (local.get $p))
    (i32.store (i32.const ${ECHO_AT + 48}) (i32.const 3))
    (i32.store (i32.const ${ECHO_AT + 52}) (i32.add (local.get $p) (i32.const 40)))
    (i32.store (i32.const ${ECHO_AT + 56}) (i32.const 1))
    (i32.store8 (i32.const ${ECHO_AT + 60}) (i32.const 1))
    (f32.store (i32.const ${ECHO_AT + 64}) (f32.convert_i64_u (i64.load offset=88 (local.get $p))))
    (i32.store (i32.const ${ECHO_AT + 68}) (i32.const 4))
    (i32.store (i32.const ${ECHO_AT + 72}) (i32.const 0))
    (i32.store8 (i32.const ${ECHO_AT + 76}) (i32.const 1))
    (i32.const ${ECHO_AT}))
`;

/** The echo of calls with flat arguments: a block with a status, a text as its body, and headers. */
const ECHO_FLAT = `
  (func $block (param $status i32) (param $text i32) (param $length i32) (param $headers i32) (param $count i32)
    (param $more i32) (result i32)
    (memory.fill (i32.const ${ECHO_AT}) (i32.const 0) (i32.const 80))
    (i32.store8 (i32.const ${ECHO_AT}) (i32.const 1))
    (i32.store16 (i32.const ${ECHO_AT + 4}) (local.get $status))
    (i32.store8 (i32.const ${ECHO_AT + 8}) (i32.const 1))
    (i32.store (i32.const ${ECHO_AT + 12}) (local.get $text))
    (i32.store (i32.const ${ECHO_AT + 16}) (local.get $length))
    (i32.store (i32.const ${ECHO_AT + 20}) (local.get $headers))
    (i32.store (i32.const ${ECHO_AT + 24}) (local.get $count))
    (i32.store8 (i32.const ${ECHO_AT + 76}) (local.get $more))
    (i32.const ${ECHO_AT}))
  (func (export "${HANDLER}on-request-body")
    (param $id i32) (param $idLength i32) (param $data i32) (param $dataLength i32) (param $index i32) (param $last i32)
    (result i32)
    (if (i32.eq (local.get $index) (i32.const ${STORE_IMAGE | 0})) (then
      (return (call $store (local.get $data) (local.get $dataLength)))))
    ;; The id becomes the one header's name, the data its value.
    (i32.store (i32.const ${EDITS_AT}) (local.get $id))
    (i32.store (i32.const ${EDITS_AT + 4}) (local.get $idLength))
    (i32.store (i32.const ${EDITS_AT + 8}) (local.get $data))
    (i32.store (i32.const ${EDITS_AT + 12}) (local.get $dataLength))
    (call $block (local.get $index) (local.get $data) (local.get $dataLength) (i32.const ${EDITS_AT}) (i32.const 1)
      (local.get $last)))
  (func (export "${HANDLER}on-response-headers")
    (param $id i32) (param $idLength i32) (param $status i32) (param $headers i32) (param $count i32) (result i32)
    (call $block (local.get $status) (local.get $id) (local.get $idLength) (local.get $headers) (local.get $count)
      (i32.const 0)))
`;

/** The guest's text. `get-info`, `configure`, `on-response-body` and `health-check` return the prepared image. */
export const ZENTINEL_GUEST = `(module
  ${MEMORY}
  ${ECHO_REQUEST}
  ${ECHO_FLAT}
  (func (export "${HANDLER}get-info") (result i32) (call $image))
  (func (export "${HANDLER}configure") (param i32 i32) (result i32) (call $image))
  (func (export "${HANDLER}on-response-body") (param i32 i32 i32 i32 i32 i32) (result i32) (call $image))
  (func (export "${LIFECYCLE}health-check") (result i32) (call $image))
  (func (export "${LIFECYCLE}shutdown"))
  ${
  postReturns([
    `${HANDLER}get-info`,
    `${HANDLER}configure`,
    `${HANDLER}on-request-headers`,
    `${HANDLER}on-request-body`,
    `${HANDLER}on-response-headers`,
    `${HANDLER}on-response-body`,
    `${LIFECYCLE}health-check`,
  ])
}
)`;
