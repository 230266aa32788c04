/** Operators of rules, ready to be run, and the search for their literals. */

import { assets, Bytes } from "sentinel";
import { PhraseList } from "./phrases";
import { createOperator, Operator, operatorError, operatorId } from "../operators/operators";
import { WordComparison } from "../operators/word_comparison";
import { choiceProblem, patternChoice } from "./pattern_choice";
import { isWordComparison, withStandIns } from "./stand_ins";
import { Regex, regexError } from "../regex/regex";
import { LiteralScan, LiteralScanBuilder } from "../scan/literal_scan";
import { folderOf } from "../seclang/file_names";
import { MacroReader } from "../seclang/macros";
import {
  Macro,
  OP_EQ,
  OP_GE,
  OP_GT,
  OP_LE,
  OP_LT,
  OP_NO_MATCH,
  OP_PART,
  OP_PM,
  OP_RX,
  OP_RX_GLOBAL,
  OP_UNCONDITIONAL,
  OperatorText,
  Rule,
} from "../seclang/model";
import { Problems } from "../seclang/problems";
import { REGEX_FLAGS } from "../seclang/regex_flags";
import { RuleSet } from "../seclang/rule_set";
import { isWord, leadingNumber, listed, trimmed } from "../seclang/words";

/** Rule sets have it in places that are switched on by hand. */
const RBL = "@rbl never matches here, for a request cannot wait for the name service; " +
  "compare REMOTE_ADDR with @ipMatchFromFile";

/** An operator with its argument. */
export class Operation {
  regex: Regex | null = null;
  operator: Operator | null = null;
  /** Of `@pm`: finds the phrase, for rules and logs that want to show it. */
  phrases: PhraseList | null = null;
  /** The argument when it has `%{…}` in it, or is a number. */
  macro: Macro | null = null;
  /** Of a fixed number: its value. */
  number: i32 = 0;
  /** Its bit among those of a text: it can match only where that is set. -1 when the text alone does not tell. */
  bit: i32 = -1;
}

/** Makes operations, and the searches of both sides. */
export class OperationMaker {
  readonly operations: Operation[] = [];
  private readonly builders: LiteralScanBuilder[] = [
    new LiteralScanBuilder(),
    new LiteralScanBuilder(),
  ];
  private readonly bits: i32[] = [0, 0];
  readonly problems: Problems;

  constructor(
    private readonly macros: MacroReader,
    private readonly set: RuleSet,
  ) {
    this.problems = set.problems;
  }

  /** Compiles the operator of a rule; what is wrong is reported. `side` is 0 for requests, 1 for responses. */
  make(rule: Rule, side: i32): void {
    const text = rule.operator;
    if (text === null) {
      rule.op = OP_UNCONDITIONAL;
      return;
    }
    rule.isNegated = text.isNegated;
    const operation = new Operation();
    rule.operation = this.operations.length;
    this.operations.push(operation);
    if (isWord(text.name, "rx") || isWord(text.name, "rxGlobal")) {
      this.makeRegex(operation, text, rule, side);
    } else if (isWord(text.name, "pm")) {
      this.makePhrases(operation, phrasesOf(text.argument), rule, side);
    } else if (isWord(text.name, "pmFromFile") || isWord(text.name, "pmf")) {
      this.makePhrases(operation, this.phrasesOfFile(text, rule), rule, side);
    } else if (isWord(text.name, "unconditionalMatch")) {
      rule.op = OP_UNCONDITIONAL;
    } else if (isWord(text.name, "noMatch")) rule.op = OP_NO_MATCH;
    else if (!this.makeNumeric(operation, text, rule)) {
      this.makePart(operation, text, rule);
      if (operation.operator !== null && operation.macro === null) {
        operation.bit = this.bits[side]++;
        this.builders[side].addAlways(operation.bit);
      }
    }
  }

  /** The search of a side; null when no rule of it has literals. */
  scan(side: i32): LiteralScan | null {
    return this.bits[side] == 0 ? null : this.builders[side].build();
  }

  private makeRegex(
    operation: Operation,
    text: OperatorText,
    rule: Rule,
    side: i32,
  ): void {
    rule.op = isWord(text.name, "rx") ? OP_RX : OP_RX_GLOBAL;
    if (this.macros.hasVariable(text.argument)) return this.makeChoice(operation, text, rule);
    if (isWordComparison(text.argument)) {
      rule.op = OP_PART;
      operation.operator = new WordComparison(text.argument.asText());
      operation.bit = this.bits[side]++;
      this.builders[side].addAlways(operation.bit);
      return;
    }
    const regex = Regex.compile(withStandIns(text.argument), REGEX_FLAGS);
    if (regex === null) {
      this.problems.error(
        rule.place,
        "the pattern cannot be used: " + regexError().toString(),
      );
      return;
    }
    operation.regex = regex;
    operation.bit = this.bits[side]++;
    if (!this.builders[side].addExpression(regex, operation.bit)) {
      this.builders[side].addAlways(operation.bit);
    }
  }

  private makeChoice(operation: Operation, text: OperatorText, rule: Rule): void {
    rule.op = OP_PART;
    const macro = this.macros.read(text.argument, rule.place);
    operation.macro = macro;
    operation.operator = patternChoice(macro, this.set);
    if (operation.operator === null) this.problems.error(rule.place, choiceProblem);
  }

  private makePhrases(
    operation: Operation,
    phrases: Bytes[],
    rule: Rule,
    side: i32,
  ): void {
    rule.op = OP_PM;
    this.search(operation, phrases, side);
    if (operation.bit < 0) rule.op = OP_NO_MATCH;
    operation.phrases = PhraseList.of(phrases);
  }

  private search(operation: Operation, literals: Bytes[], side: i32): void {
    if (literals.length == 0) return;
    operation.bit = this.bits[side]++;
    for (let index = 0; index < literals.length; index++) {
      this.builders[side].add(literals[index], operation.bit);
    }
  }

  private phrasesOfFile(text: OperatorText, rule: Rule): Bytes[] {
    const phrases = new Array<Bytes>();
    const content = this.file(text, rule);
    if (content === null) return phrases;
    const lines = listed(content, 10);
    for (let index = 0; index < lines.length; index++) {
      if (lines[index].byteAt(0) != 0x23) phrases.push(lines[index]);
    }
    return phrases;
  }

  /** The file that an operator names, beside the rule's own file or by its full name. */
  private file(text: OperatorText, rule: Rule): Bytes | null {
    const name = trimmed(text.argument).toString();
    const beside = assets.read(folderOf(rule.place.file) + name);
    if (beside !== null) return beside;
    const content = assets.read(name);
    if (content === null) {
      this.problems.error(rule.place, 'there is no file "' + name + '"');
    }
    return content;
  }

  private makeNumeric(
    operation: Operation,
    text: OperatorText,
    rule: Rule,
  ): bool {
    if (isWord(text.name, "eq")) rule.op = OP_EQ;
    else if (isWord(text.name, "ge")) rule.op = OP_GE;
    else if (isWord(text.name, "gt")) rule.op = OP_GT;
    else if (isWord(text.name, "le")) rule.op = OP_LE;
    else if (isWord(text.name, "lt")) rule.op = OP_LT;
    else return false;
    const macro = this.macros.read(text.argument, rule.place);
    operation.number = leadingNumber(text.argument.at, text.argument.length);
    if (!macro.isFixed) operation.macro = macro;
    return true;
  }

  private makePart(operation: Operation, text: OperatorText, rule: Rule): void {
    rule.op = OP_PART;
    const name = text.name.toString();
    if (isWord(text.name, "rbl") && !text.isNegated) {
      rule.op = OP_NO_MATCH;
      return this.problems.warn(rule.place, RBL);
    }
    const id = operatorId(text.name.asText());
    if (id < 0) {
      this.problems.error(rule.place, 'there is no operator "@' + name + '"');
      return;
    }
    const isFromFile = name.endsWith("FromFile") ||
      isWord(text.name, "ipMatchF");
    const macro = this.macros.read(text.argument, rule.place);
    if (!macro.isFixed) operation.macro = macro;
    const content = isFromFile ? this.file(text, rule) : null;
    if (isFromFile && content === null) return;
    operation.operator = createOperator(id, text.argument.asText(), content);
    if (operation.operator === null) {
      this.problems.error(
        rule.place,
        "@" + name + ": " + operatorError().toString(),
      );
    }
  }
}

/** The words of `@pm`, between blanks. */
function phrasesOf(argument: Bytes): Bytes[] {
  return listed(argument, 0x20);
}
