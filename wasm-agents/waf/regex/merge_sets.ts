/** Makes trees smaller. */

import { internSet, SET_BYTES, setsAt, setUnite } from "./byte_sets";
import { Kind, Node, nodeAt } from "./nodes";

/** Room for a set. */
const merged: StaticArray<u8> = new StaticArray<u8>(32);

/** Neighbours among alternatives that are sets become one set. */
export function mergeSets(all: Node): void {
  let at = all.first;
  while (at != 0) {
    const node = nodeAt(at);
    const next = node.next;
    if (next == 0) return;
    if (node.kind != Kind.SET || nodeAt(next).kind != Kind.SET) {
      at = next;
      continue;
    }
    const set = changetype<usize>(merged);
    memory.copy(set, setsAt() + <usize> node.value * SET_BYTES, SET_BYTES);
    setUnite(set, setsAt() + <usize> nodeAt(next).value * SET_BYTES);
    const id = internSet(set);
    if (id < 0) return;
    node.value = <u16> id;
    node.next = nodeAt(next).next;
    if (node.next != 0) nodeAt(node.next).previous = at;
    else all.last = at;
  }
}
