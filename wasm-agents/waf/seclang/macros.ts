/** Takes texts with `%{VARIABLE}` and `%{VARIABLE.name}` apart. */

import { Bytes } from "sentinel";
import { Macro, MacroPart } from "./model";
import { Place, Problems } from "./problems";
import { VAR_TX, variableOf } from "./variables";
import { loweredCopy, NameTable, part } from "./words";

/** Reads macros; names of TX get their slots here. */
export class MacroReader {
  constructor(
    private readonly txNames: NameTable,
    private readonly problems: Problems,
  ) {}

  /** The parts of a text. A variable that does not exist is a problem. */
  read(text: Bytes, place: Place): Macro {
    const macro = new Macro();
    macro.source = text;
    let from = 0;
    let at = 0;
    while (at + 3 < text.length) {
      if (text.byteAt(at) != 0x25 || text.byteAt(at + 1) != 0x7b) {
        at++;
        continue;
      }
      const end = text.indexOfByte(0x7d, at);
      if (end < 0) break;
      if (at > from) macro.parts.push(literal(part(text, from, at)));
      macro.parts.push(this.variable(part(text, at + 2, end), place));
      at = end + 1;
      from = at;
    }
    if (from < text.length) {
      macro.parts.push(literal(part(text, from, text.length)));
    }
    return macro;
  }

  /** Whether a text has the value of some variable in it; `%{2}` of a pattern is none. */
  hasVariable(text: Bytes): bool {
    for (let at = 0; at + 3 < text.length; at++) {
      if (text.byteAt(at) != 0x25 || text.byteAt(at + 1) != 0x7b) continue;
      const end = text.indexOfByte(0x7d, at);
      if (end < 0) return false;
      let split = at + 2;
      while (
        split < end && text.byteAt(split) != 0x2e && text.byteAt(split) != 0x3a
      ) split++;
      if (variableOf(part(text, at + 2, split)) >= 0) return true;
    }
    return false;
  }

  /** The slot of a variable of TX. */
  slotOf(name: Bytes): i32 {
    return this.txNames.intern(name);
  }

  private variable(name: Bytes, place: Place): MacroPart {
    const found = new MacroPart();
    let split = name.indexOfByte(0x2e);
    if (split < 0) split = name.indexOfByte(0x3a);
    const word = split < 0 ? name : part(name, 0, split);
    found.variable = variableOf(word);
    if (found.variable < 0) {
      this.problems.error(
        place,
        "%{" + name.toString() + "}: there is no variable " + word.toString(),
      );
      return literal(name);
    }
    if (split >= 0) {
      found.selector = loweredCopy(part(name, split + 1, name.length));
    }
    if (found.variable == VAR_TX) {
      found.slot = this.txNames.intern(found.selector);
    }
    return found;
  }
}

function literal(bytes: Bytes): MacroPart {
  const part = new MacroPart();
  part.literal = bytes;
  return part;
}
