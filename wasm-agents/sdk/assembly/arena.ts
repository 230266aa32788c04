/**
 * The guest's memory, in place of the compiler's runtime: blocks are put one behind the other, and when a call
 * ends all of its blocks are given back at once. A call that left something in a global, or in an object that is
 * older than the call, keeps all of its blocks for ever: so tables built in `onConfigure` stay, and nothing that
 * can still be reached is ever overwritten.
 */

/** Objects begin at multiples of 8. */
const ALIGN_MASK: usize = 7;

/** Before an object: its class and its size, 4 bytes each. */
const HEADER_BYTES: usize = 8;

const OBJECT_BYTES_MAX: usize = 1 << 30;

let top: usize = __heap_base;
let end: usize = (<usize> memory.size()) << 16;

/** Where the blocks of the current call begin. */
let mark: usize = top;

/** Whether something older than the call leads to a block of the call. */
let isKept: bool = false;

/** Takes `size` bytes, aligned to 8, with whatever they held before. */
export function allocate(size: usize): usize {
  return take(size, ALIGN_MASK);
}

/** Takes `size` bytes. Texts of the host, which need no alignment, come to lie without gaps, and so in one copy. */
function take(size: usize, alignMask: usize): usize {
  if (size > OBJECT_BYTES_MAX) unreachable();
  const at = (top + alignMask) & ~alignMask;
  const next = at + size;
  if (next > end) grow(next);
  top = next;
  return at;
}

/** Makes a block bigger, where it is when it is the last one of the call, and in a new place otherwise. */
function reallocate(old: usize, oldSize: usize, size: usize): usize {
  if (size <= oldSize) return old;
  if (old >= mark && old + oldSize == top) {
    top = old;
    return allocate(size);
  }
  const at = allocate(size);
  memory.copy(at, old, oldSize);
  return at;
}

/** A quarter more than there is, or what is needed; the host says where it ends. */
function grow(next: usize): void {
  const pages = memory.size();
  const needed = <i32> ((next - end + 0xffff) >>> 16);
  const wanted = max(needed, pages >> 2);
  if (memory.grow(wanted) < 0 && memory.grow(needed) < 0) unreachable();
  end = (<usize> memory.size()) << 16;
}

/** Gives the call's blocks back, or keeps them when they are still needed. Comes after every call. */
export function endCall(): void {
  if (top == mark) return;
  if (!isKept) __visit_globals(0);
  if (isKept) mark = top;
  else top = mark;
  isKept = false;
}

/** The canonical ABI's way to say that a result has been read. */
export function postReturn(_at: usize): void {
  endCall();
}

/** Keeps the blocks of the current call; for tables that are reached through bare addresses. */
export function keepCall(): void {
  isKept = true;
}

/** What the blocks take together, in bytes. */
export function bytesUsed(): usize {
  return top - __heap_base;
}

/** The canonical ABI's allocator: the host puts arguments and the results of imports here. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize {
  if (align > ALIGN_MASK + 1) unreachable();
  return oldSize == 0 ? take(size, align - 1) : reallocate(old, oldSize, size);
}

// What follows is called by the compiler, under these names. The formatter would take decorators of functions away,
// so they stand behind `asc:`, and the build brings them back.

/** Takes memory for `heap.alloc`. */
// asc: @global @unsafe
export function __alloc(size: usize): usize {
  const at = allocate(size + HEADER_BYTES);
  store<u32>(at, <u32> size, 4);
  return at + HEADER_BYTES;
}

/** Grows a block of `heap.alloc`. */
// asc: @global @unsafe
export function __realloc(old: usize, size: usize): usize {
  const oldSize = <usize> load<u32>(old - 4);
  const at = reallocate(old - HEADER_BYTES, oldSize + HEADER_BYTES, size + HEADER_BYTES);
  store<u32>(at, <u32> size, 4);
  return at + HEADER_BYTES;
}

/** Nothing: blocks are given back together. */
// asc: @global @unsafe
export function __free(_at: usize): void {}

/** Takes memory for an object of class `id`. */
// asc: @global @unsafe
export function __new(size: usize, id: u32): usize {
  const at = allocate(size + HEADER_BYTES);
  store<u32>(at, id);
  store<u32>(at, <u32> size, 4);
  return at + HEADER_BYTES;
}

/** Grows an object. */
// asc: @global @unsafe
export function __renew(old: usize, size: usize): usize {
  const id = load<u32>(old - 8);
  const oldSize = <usize> load<u32>(old - 4);
  const at = reallocate(old - HEADER_BYTES, oldSize + HEADER_BYTES, size + HEADER_BYTES);
  store<u32>(at, id);
  store<u32>(at, <u32> size, 4);
  return at + HEADER_BYTES;
}

/** A reference to `child` was put into `parent`. */
// asc: @global @unsafe
export function __link(parent: usize, child: usize, _multiple: bool): void {
  if (parent < mark && child > mark) isKept = true;
}

/** A global leads to `at`. */
// asc: @global @unsafe
function __visit(at: usize, _cookie: u32): void {
  if (at > mark) isKept = true;
}

/** Nothing: no object moves. */
// asc: @global @unsafe
export function __pin(at: usize): usize {
  return at;
}

/** Nothing: no object moves. */
// asc: @global @unsafe
export function __unpin(_at: usize): void {}

/** Nothing: blocks are given back together. */
// asc: @global @unsafe
export function __collect(): void {}
