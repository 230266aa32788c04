/** Rules as they are after reading: what is looked at, with what, and what follows. */

import { Bytes, EMPTY, Text } from "sentinel";
import { Regex } from "../regex/regex";
import { Place } from "./problems";
import { NOTHING } from "./words";

/** A part of a text with `%{…}`: bytes as they are, or the value of a variable. */
export class MacroPart {
  /** Bytes as they are when `variable` is -1. */
  literal: Bytes = NOTHING;
  variable: i32 = -1;
  selector: Bytes = NOTHING;
  /** Of a variable of TX: its slot; -1 otherwise. */
  slot: i32 = -1;
}

/** A text with `%{…}` in it, taken apart. */
export class Macro {
  readonly parts: MacroPart[] = [];
  /** As it is written. */
  source: Bytes = NOTHING;

  /** Whether it is the same text for every request. */
  get isFixed(): bool {
    return this.parts.length == 0 ||
      this.parts.length == 1 && this.parts[0].variable < 0;
  }

  /** Of a fixed one: its bytes. */
  get fixed(): Bytes {
    return this.parts.length == 0 ? NOTHING : this.parts[0].literal;
  }
}

/** Which members of a variable are meant. */
export class Target {
  variable: i32 = 0;
  /** `&`: how many there are. */
  isCount: bool = false;
  /** `!`: these not. */
  isExcluded: bool = false;
  /** Name of a member; nothing means all of them. */
  selector: Bytes = NOTHING;
  hasSelector: bool = false;
  /** Members whose name matches. */
  pattern: Regex | null = null;
  /** Of a TX variable with a plain name: its slot; -1 otherwise. */
  slot: i32 = -1;
  /** Of a pattern over TX, or of all of TX: the slots that it means. */
  slots: StaticArray<i32> | null = null;
  /** As it is written, which is also what tells two of them apart. */
  source: Bytes = NOTHING;
}

/** What an operator is. */
export const OP_NONE: u8 = 0;
export const OP_RX: u8 = 1;
export const OP_PM: u8 = 2;
export const OP_EQ: u8 = 3;
export const OP_GE: u8 = 4;
export const OP_GT: u8 = 5;
export const OP_LE: u8 = 6;
export const OP_LT: u8 = 7;
export const OP_UNCONDITIONAL: u8 = 8;
export const OP_NO_MATCH: u8 = 9;
export const OP_PART: u8 = 10;
export const OP_RX_GLOBAL: u8 = 11;

/** What happens to the transaction when a rule matches. */
export const DO_PASS: u8 = 0;
export const DO_DENY: u8 = 1;
export const DO_DROP: u8 = 2;
export const DO_REDIRECT: u8 = 3;
export const DO_ALLOW: u8 = 4;
export const DO_ALLOW_PHASE: u8 = 5;
export const DO_ALLOW_REQUEST: u8 = 6;
export const DO_BLOCK: u8 = 7;
export const DO_UNSET: u8 = 255;

export const SET_TO: u8 = 0;
export const SET_ADD: u8 = 1;
export const SET_SUBTRACT: u8 = 2;
export const SET_REMOVE: u8 = 3;

/** `setvar`: a change of a variable of TX or of a collection that lasts. */
export class SetVar {
  operation: u8 = SET_TO;
  /** `VAR_TX`, `VAR_IP` … */
  store: i32 = 0;
  name: Macro = new Macro();
  /** Of a fixed name in TX: its slot; -1 otherwise. */
  slot: i32 = -1;
  value: Macro = new Macro();
  /** Of a fixed value that is a number. */
  number: i32 = 0;
  isNumber: bool = false;
  /** Of a value that is one TX variable and nothing else: its slot; -1 otherwise. */
  valueSlot: i32 = -1;
  /** Whether it counts towards what a request looks like as a whole. */
  isScore: bool = false;
}

/** `initcol` and `expirevar`: a collection or variable, and a text. */
export class StoreAction {
  store: i32 = 0;
  name: Macro = new Macro();
  value: Macro = new Macro();
}

export const CTL_RULE_ENGINE: u8 = 0;
export const CTL_BODY_PROCESSOR: u8 = 1;
export const CTL_BODY_ACCESS: u8 = 2;
export const CTL_FORCE_BODY_VARIABLE: u8 = 3;
export const CTL_AUDIT_ENGINE: u8 = 4;
export const CTL_REMOVE_RULES: u8 = 5;
export const CTL_REMOVE_TARGET: u8 = 6;
export const CTL_RESPONSE_BODY_ACCESS: u8 = 7;
export const CTL_REQUEST_BODY_LIMIT: u8 = 8;
export const CTL_RESPONSE_BODY_LIMIT: u8 = 9;
export const CTL_NOTHING: u8 = 10;

/** Which rules something is about. */
export const BY_ID: u8 = 0;
export const BY_TAG: u8 = 1;
export const BY_MSG: u8 = 2;

/** `ctl`: a change of the engine for this transaction. */
export class Ctl {
  kind: u8 = 0;
  value: i32 = 0;
  by: u8 = BY_ID;
  /** Rules by id (`100-200`), tag or message. */
  which: Bytes = NOTHING;
  target: Target | null = null;
  /** One bit for each rule that is meant; 0 until the rules are compiled. */
  ruleBits: usize = 0;
}

/** Engine modes. */
export const ENGINE_OFF: i32 = 0;
export const ENGINE_DETECTION: i32 = 1;
export const ENGINE_ON: i32 = 2;

/** What `@…` was written, before it is compiled. */
export class OperatorText {
  name: Bytes = NOTHING;
  argument: Bytes = NOTHING;
  isNegated: bool = false;
}

/**
 * A rule, or a link of a chain. What every request asks of it stands first, so that it lies in one or two lines of the
 * processor's cache.
 */
export class Rule {
  // Worked out when all rules are read.
  /** Number among compiled rules, for sets of bits; the same for all links of a chain. */
  index: i32 = 0;
  bundle: i32 = -1;
  /** The bit among those of a text without which it cannot match; -1 when the text alone does not tell. */
  bit: i32 = -1;
  /** Slot of the one TX variable that a quick link compares; -1 for any other link. See `engine/quick_rules.ts`. */
  quickSlot: i32 = -1;
  /** Position of the compiled operator; see `engine/operators.ts`. */
  operation: i32 = -1;
  op: u8 = OP_NONE;
  isNegated: bool = false;
  isMultiMatch: bool = false;
  isCapturing: bool = false;
  /** Whether nothing but logs shows what this link captures. See `engine/shown_captures.ts`. */
  isCaptureShown: bool = false;
  isQuickCount: bool = false;
  /** Whether nobody will ask what a quick link has matched. */
  isSilent: bool = false;
  /** Whether nothing is looked at: an action, or an operator that always matches on no target. */
  isUnconditional: bool = false;
  node: i32 = 0;
  /** How many rules further to go on after a match. */
  jump: i32 = 1;
  /** The next link; null at the end of a chain. */
  next: Rule | null = null;
  severity: i32 = -1;
  disruption: u8 = DO_UNSET;
  isLogged: bool = true;
  isAudited: bool = true;
  readonly setVars: SetVar[] = [];
  readonly ctls: Ctl[] = [];
  readonly initCollections: StoreAction[] = [];
  readonly expirations: StoreAction[] = [];

  place!: Place;
  id: i32 = 0;
  phase: i32 = 2;
  /** Where it stands among rules and markers. */
  order: i32 = 0;
  targets: Target[] = [];
  operator: OperatorText | null = null;
  /** Names of transformations after `t:none` and defaults are worked out. */
  transforms: i32[] = [];
  hasOwnTransforms: bool = false;
  isChainOpen: bool = false;
  hasLogWord: bool = false;

  status: i32 = 0;
  redirect: Macro | null = null;
  skip: i32 = 0;
  skipAfter: Bytes = NOTHING;
  message: Macro | null = null;
  logData: Macro | null = null;
  readonly tags: Macro[] = [];
  version: Bytes = NOTHING;
  revision: Bytes = NOTHING;
  maturity: i32 = 0;
  accuracy: i32 = 0;

  /** What logs say of it: its number, what is the same for every match (see `engine/match_text.ts`), its tags. */
  idText: Text = EMPTY;
  fixedText: Bytes = NOTHING;
  readonly tagTexts: Text[] = [];
}
