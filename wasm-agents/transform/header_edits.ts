/** What a rule does to header lines. */

import { Config, Decision } from "sentinel";

/** A header with a value; only its name counts when it is removed. */
class Line {
  constructor(readonly name: string, readonly value: string) {}
}

/** Edits of one side of an exchange. */
export class HeaderEdits {
  private readonly removed: string[];
  private readonly set: Line[];
  private readonly added: Line[];

  constructor(config: Config) {
    this.removed = config.strings("remove");
    this.set = linesOf(config.block("set"));
    this.added = linesOf(config.block("add"));
  }

  /** Removes, then sets, then adds, on the request. */
  onRequest(decision: Decision): Decision {
    let edited = decision;
    for (let at = 0; at < this.removed.length; at++) edited = edited.removeRequestHeader(this.removed[at]);
    for (let at = 0; at < this.set.length; at++) {
      edited = edited.setRequestHeader(this.set[at].name, this.set[at].value);
    }
    for (let at = 0; at < this.added.length; at++) {
      edited = edited.addRequestHeader(this.added[at].name, this.added[at].value);
    }
    return edited;
  }

  /** The same on the response. */
  onResponse(decision: Decision): Decision {
    let edited = decision;
    for (let at = 0; at < this.removed.length; at++) edited = edited.removeResponseHeader(this.removed[at]);
    for (let at = 0; at < this.set.length; at++) {
      edited = edited.setResponseHeader(this.set[at].name, this.set[at].value);
    }
    for (let at = 0; at < this.added.length; at++) {
      edited = edited.addResponseHeader(this.added[at].name, this.added[at].value);
    }
    return edited;
  }
}

function linesOf(config: Config): Line[] {
  const members = config.members();
  const lines: Line[] = [];
  for (let index = 0; index < members.length; index++) {
    const values = members[index].values();
    for (let each = 0; each < values.length; each++) {
      lines.push(new Line(members[index].name, values[each].toString()));
    }
  }
  return lines;
}
