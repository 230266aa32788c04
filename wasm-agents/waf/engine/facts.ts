/**
 * What the proxy says of a request in notes, as no getter tells it: the version of HTTP, whether a body comes, and a name
 * that no other request has. All of it comes in one note; where there is none, each is asked for by its own.
 */

import { Bytes, Text } from "sentinel";
import * as http from "sentinel/bindings/http";
import { part } from "../seclang/words";
import * as transaction from "./transaction";

const FACTS_NOTE = Text.of("http.facts");
const PROTOCOL_NOTE = Text.of("http.protocol");
const BODY_NOTE = Text.of("http.body");
const SERIAL_NOTE = Text.of("http.serial");

/** The note, once it was asked for; -1: not yet. Bare numbers, so that the call's memory is not kept for it. */
let noteAt: usize = 0;
let noteLength: i32 = -1;

/** The next call begins. */
export function clearFacts(): void {
  noteLength = -1;
}

/** Such as `HTTP/1.1`; null when it is not known. */
export function protocolFact(): Bytes | null {
  return fact(0, PROTOCOL_NOTE);
}

/** `1` when a body comes, `0` when none does; null when it is not known. */
export function bodyFact(): Bytes | null {
  return fact(1, BODY_NOTE);
}

/** The name of the request; null when it has none. */
export function serialFact(): Bytes | null {
  return fact(2, SERIAL_NOTE);
}

/** A word of the note; the last one is all that is left. */
function fact(index: i32, own: Text): Bytes | null {
  if (noteLength < 0) {
    const asked = http.requestMetadata(transaction.request, FACTS_NOTE);
    noteLength = 0;
    if (asked !== null) {
      noteAt = asked.at;
      noteLength = asked.length;
    }
  }
  if (noteLength == 0) return http.requestMetadata(transaction.request, own);
  const note = new Bytes(noteAt, noteLength);
  let from = 0;
  for (let before = 0; before < index; before++) {
    const space = note.indexOfByte(0x20, from);
    if (space < 0) return null;
    from = space + 1;
  }
  const to = index == 2 ? -1 : note.indexOfByte(0x20, from);
  return part(note, from, to < 0 ? note.length : to);
}
