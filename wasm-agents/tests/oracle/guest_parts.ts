/** What both guests of the oracle are made of, as WebAssembly text. */

/** Where the result that the test prepared lies; every export but those that echo returns it. */
export const IMAGE_AT = 0xc0000;

/** Bytes that an image may have. */
export const IMAGE_BYTES_MAX = 0x40000;

/** Bytes of the guest's memory. */
export const MEMORY_BYTES = 0x100000;

/** The chunk index that says: keep this chunk as the image. */
export const STORE_IMAGE = 0xffff_ffff;

/** An area that stays zero, and so is an empty result of every kind. */
export const EMPTY_AT = 0x800;

/** Where imports put their results; nothing that must last lies below the arena but constants from 0x100 on. */
export const RESULT_AT = 0x40;
const RESULT_BYTES = 0xc0;

const ARENA_AT = 0x2000;

/** Memory, and an allocator that only goes forward until a post-return resets it. */
export const MEMORY = `
  (memory (export "memory") ${MEMORY_BYTES / 0x10000})
  (global $next (mut i32) (i32.const ${ARENA_AT}))
  (func $realloc (export "cabi_realloc") (param $old i32) (param $oldSize i32) (param $align i32) (param $size i32)
    (result i32)
    (local $at i32)
    (local.set $at (i32.and
      (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
      (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $at) (local.get $size)))
    (if (i32.gt_u (global.get $next) (i32.const ${IMAGE_AT})) (then (unreachable)))
    (if (local.get $old) (then (memory.copy (local.get $at) (local.get $old) (local.get $oldSize))))
    (local.get $at))
  (func $reset (global.set $next (i32.const ${ARENA_AT})))
  (func $post (param i32) (call $reset))
  (func $store (param $from i32) (param $size i32) (result i32)
    (memory.copy (i32.const ${IMAGE_AT}) (local.get $from) (local.get $size))
    (i32.const ${EMPTY_AT}))
  ;; A damaged image may point at what hosts have written, and two of them need not lay it out alike.
  (func $image (result i32)
    (memory.fill (i32.const ${ARENA_AT}) (i32.const 0) (i32.const ${IMAGE_AT - ARENA_AT}))
    (memory.fill (i32.const ${RESULT_AT}) (i32.const 0) (i32.const ${RESULT_BYTES}))
    (i32.const ${IMAGE_AT}))
`;

/** Exports `$post` as the post-return of every function named. */
export function postReturns(names: readonly string[]): string {
  return names.map((name) => `(export "cabi_post_${name}" (func $post))`).join(
    "\n",
  );
}
