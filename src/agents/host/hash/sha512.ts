import { bytesOfWords, paddedBlocks } from "./blocks.ts";
import { CUBE_ROOTS, SQUARE_ROOTS } from "./constants.ts";

const TWO_32 = 2 ** 32;

/** SHA-512 (FIPS 180-4 §6.4): 64 bytes. */
export function sha512(data: Uint8Array): Uint8Array {
  return bytesOfWords(hash(data, SQUARE_ROOTS.slice(0, 16)), 16);
}

/** SHA-384 (FIPS 180-4 §6.5): SHA-512 from another start, cut to 48 bytes. */
export function sha384(data: Uint8Array): Uint8Array {
  return bytesOfWords(hash(data, SQUARE_ROOTS.slice(16, 32)), 12);
}

/** 64-bit words are pairs of 32-bit ones, high first, since numbers hold 53 bits. */
function hash(data: Uint8Array, state: Int32Array): Int32Array {
  const blocks = paddedBlocks(data, { blockBytes: 128, lengthBytes: 16 });
  const schedule = new Int32Array(160);
  for (let at = 0; at < blocks.byteLength; at += 128) {
    for (let i = 0; i < 32; i++) schedule[i] = blocks.getInt32(at + i * 4);
    for (let i = 32; i < 160; i += 2) extend(schedule, i);
    compress(state, schedule);
  }
  return state;
}

/** FIPS 180-4 §6.4.2 step 1 for the word at `i`. */
function extend(schedule: Int32Array, i: number): void {
  const eh = schedule[i - 30]!;
  const el = schedule[i - 29]!;
  const lh = schedule[i - 4]!;
  const ll = schedule[i - 3]!;
  const sigma0h = (eh >>> 1 | el << 31) ^ (eh >>> 8 | el << 24) ^ (eh >>> 7);
  const sigma0l = (el >>> 1 | eh << 31) ^ (el >>> 8 | eh << 24) ^ (el >>> 7 | eh << 25);
  const sigma1h = (lh >>> 19 | ll << 13) ^ (ll >>> 29 | lh << 3) ^ (lh >>> 6);
  const sigma1l = (ll >>> 19 | lh << 13) ^ (lh >>> 29 | ll << 3) ^ (ll >>> 6 | lh << 26);
  const low = (schedule[i - 31]! >>> 0) + (sigma0l >>> 0) + (schedule[i - 13]! >>> 0) + (sigma1l >>> 0);
  schedule[i] = schedule[i - 32]! + sigma0h + schedule[i - 14]! + sigma1h + carry(low);
  schedule[i + 1] = low;
}

/** FIPS 180-4 §6.4.2 steps 2 to 4. */
function compress(state: Int32Array, schedule: Int32Array): void {
  let ah = state[0]!, al = state[1]!;
  let bh = state[2]!, bl = state[3]!;
  let ch = state[4]!, cl = state[5]!;
  let dh = state[6]!, dl = state[7]!;
  let eh = state[8]!, el = state[9]!;
  let fh = state[10]!, fl = state[11]!;
  let gh = state[12]!, gl = state[13]!;
  let hh = state[14]!, hl = state[15]!;
  for (let i = 0; i < 160; i += 2) {
    const sum1h = (eh >>> 14 | el << 18) ^ (eh >>> 18 | el << 14) ^ (el >>> 9 | eh << 23);
    const sum1l = (el >>> 14 | eh << 18) ^ (el >>> 18 | eh << 14) ^ (eh >>> 9 | el << 23);
    const choiceH = (eh & fh) ^ (~eh & gh);
    const choiceL = (el & fl) ^ (~el & gl);
    const firstL = (hl >>> 0) + (sum1l >>> 0) + (choiceL >>> 0) + (CUBE_ROOTS[i + 1]! >>> 0) +
      (schedule[i + 1]! >>> 0);
    const firstH = (hh + sum1h + choiceH + CUBE_ROOTS[i]! + schedule[i]! + carry(firstL)) | 0;
    const sum0h = (ah >>> 28 | al << 4) ^ (al >>> 2 | ah << 30) ^ (al >>> 7 | ah << 25);
    const sum0l = (al >>> 28 | ah << 4) ^ (ah >>> 2 | al << 30) ^ (ah >>> 7 | al << 25);
    const majorityH = (ah & bh) ^ (ah & ch) ^ (bh & ch);
    const majorityL = (al & bl) ^ (al & cl) ^ (bl & cl);
    hh = gh, hl = gl;
    gh = fh, gl = fl;
    fh = eh, fl = el;
    const nextE = (dl >>> 0) + (firstL >>> 0);
    eh = (dh + firstH + carry(nextE)) | 0, el = nextE | 0;
    dh = ch, dl = cl;
    ch = bh, cl = bl;
    bh = ah, bl = al;
    const nextA = (firstL >>> 0) + (sum0l >>> 0) + (majorityL >>> 0);
    ah = (firstH + sum0h + majorityH + carry(nextA)) | 0, al = nextA | 0;
  }
  const worked = [ah, al, bh, bl, ch, cl, dh, dl, eh, el, fh, fl, gh, gl, hh, hl];
  for (let i = 0; i < 16; i += 2) {
    const low = (state[i + 1]! >>> 0) + (worked[i + 1]! >>> 0);
    state[i] = state[i]! + worked[i]! + carry(low);
    state[i + 1] = low;
  }
}

/** What of a sum of low words belongs to the high word. */
function carry(sum: number): number {
  return (sum / TWO_32) | 0;
}
