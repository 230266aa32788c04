/** Everything that rule files say, in the order in which they say it. */

import { Bytes, Text } from "sentinel";
import { ActionReader } from "./actions";
import { DO_UNSET, Rule } from "./model";
import { Place, Problems } from "./problems";
import { Settings } from "./settings";
import { RuleChoice } from "./updates";
import { isSameWord, NameTable, NOTHING } from "./words";

/** Where `skipAfter` leads. */
export class Marker {
  constructor(readonly name: Bytes, readonly order: i32) {}
}

/** `SecDefaultAction` of a phase. */
export class Defaults {
  rule: Rule | null = null;
}

/** A change of rules that is made when all are read. */
export class Update {
  kind: u8 = 0;
  by: u8 = 0;
  which: Bytes = NOTHING;
  /** Of an update: what comes in place or on top. */
  change: Bytes = NOTHING;
  /** Of an update of targets: what is replaced. */
  replaced: Bytes = NOTHING;

  constructor(readonly place: Place) {}
}

export const UPDATE_REMOVE: u8 = 0;
export const UPDATE_TARGETS: u8 = 1;
export const UPDATE_ACTIONS: u8 = 2;

/** Rules, markers and settings. */
export class RuleSet {
  /** Starters of chains and rules that stand alone; the links hang on them. */
  rules: Rule[] = [];
  readonly markers: Marker[] = [];
  readonly updates: Update[] = [];
  readonly settings: Settings = new Settings();
  readonly txNames: NameTable = new NameTable();
  readonly problems: Problems = new Problems();
  /** TX variables that the agent's options set before the first rule. */
  readonly presetSlots: i32[] = [];
  readonly presetNumbers: i32[] = [];
  /** Rules that the agent's options take away for some requests. */
  readonly scopedRemovals: RuleChoice[] = [];
  /** Reads what is still text, such as arguments of operators. */
  reader: ActionReader | null = null;
  private readonly defaults: Defaults[] = [];
  /** Counts rules and markers. */
  order: i32 = 0;

  constructor() {
    for (let phase = 0; phase <= 5; phase++) this.defaults.push(new Defaults());
    // What `capture` fills has the first slots.
    for (let digit = 0; digit < 10; digit++) {
      this.txNames.intern(Text.of(digit.toString()));
    }
  }

  /** The actions that rules of a phase have unless they say otherwise; null when none were given. */
  defaultsOf(phase: i32): Rule | null {
    return this.defaults[phase].rule;
  }

  setDefaults(rule: Rule): void {
    if (rule.disruption == DO_UNSET) {
      this.problems.error(
        rule.place,
        "SecDefaultAction needs an action such as pass or deny",
      );
    }
    this.defaults[rule.phase].rule = rule;
  }

  /** The order of a marker; -1 when there is none of that name. */
  markerOrder(name: Bytes): i32 {
    for (let index = 0; index < this.markers.length; index++) {
      if (isSameWord(this.markers[index].name, name)) {
        return this.markers[index].order;
      }
    }
    return -1;
  }
}
