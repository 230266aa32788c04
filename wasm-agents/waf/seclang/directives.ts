/** Reads rule files into a `RuleSet`. */

import { assets, Bytes, Text } from "sentinel";
import { ActionReader } from "./actions";
import { readEngineDirective } from "./engine_directives";
import { globMatches } from "./file_names";
import { nearestWord } from "./hints";
import { LogicalLine, logicalLines, wordsOf } from "./lines";
import { MacroReader } from "./macros";
import { BY_ID, BY_MSG, BY_TAG, DO_UNSET, OperatorText, Rule } from "./model";
import { Place, Problems } from "./problems";
import { Marker, RuleSet, Update, UPDATE_ACTIONS, UPDATE_REMOVE, UPDATE_TARGETS } from "./rule_set";
import { TargetReader } from "./targets";
import { isSpace, isWord, listed, part, trimmed } from "./words";

/** Includes within includes, at most. */
const INCLUDE_DEPTH_MAX = 16;

const KNOWN: string[] = [
  "SecRule",
  "SecAction",
  "SecMarker",
  "SecDefaultAction",
  "SecRuleRemoveById",
  "SecRuleRemoveByTag",
  "SecRuleRemoveByMsg",
  "SecRuleUpdateTargetById",
  "SecRuleUpdateTargetByTag",
  "SecRuleUpdateTargetByMsg",
  "SecRuleUpdateActionById",
  "Include",
  "IncludeOptional",
  "SecRuleEngine",
  "SecRequestBodyAccess",
  "SecResponseBodyAccess",
  "SecRequestBodyLimit",
  "SecComponentSignature",
  "SecCollectionTimeout",
];

/** Reads files one after the other. */
export class DirectiveReader {
  private readonly actions: ActionReader;
  private readonly targets: TargetReader;
  private readonly problems: Problems;
  /** The chain that waits for its next link. */
  private openChain: Rule | null = null;
  private openLink: Rule | null = null;
  private depth: i32 = 0;

  /** `files` are the names of all files that an `Include` can mean. */
  constructor(private readonly rules: RuleSet, private readonly files: Text[]) {
    this.problems = rules.problems;
    const targets = new TargetReader(rules.txNames, rules.problems);
    this.targets = targets;
    this.actions = new ActionReader(
      new MacroReader(rules.txNames, rules.problems),
      targets,
      rules.problems,
    );
  }

  /** The reader of actions, for changes that are made later. */
  get actionReader(): ActionReader {
    return this.actions;
  }

  /** Reads a file that is at hand. */
  read(name: string, content: Bytes): void {
    const lines = logicalLines(content);
    for (let index = 0; index < lines.length; index++) {
      this.line(name, lines[index]);
    }
    const open = this.openChain;
    if (open !== null && this.depth == 0) {
      this.problems.error(
        open.place,
        "the chain has no end: the next rule is missing",
      );
      this.openChain = null;
    }
  }

  /** Reads a file of the assets; false when there is none of that name. */
  readAsset(name: string): bool {
    const content = assets.read(name);
    if (content === null) return false;
    this.read(name, content);
    return true;
  }

  private line(file: string, line: LogicalLine): void {
    const place = new Place(file, line.line);
    const words = wordsOf(line.text);
    if (words === null) {
      this.problems.error(place, "a quotation mark is not closed");
      return;
    }
    const name = words[0];
    if (
      this.openChain !== null && !isWord(name, "SecRule") &&
      !isWord(name, "SecAction")
    ) {
      this.problems.error(
        this.openChain!.place,
        "the chain has no end: another directive comes before its next rule",
      );
      this.openChain = null;
    }
    if (isWord(name, "SecRule")) this.rule(words, place);
    else if (isWord(name, "SecAction")) this.action(words, place);
    else if (isWord(name, "SecMarker")) this.marker(words, place);
    else if (isWord(name, "SecDefaultAction")) this.defaultAction(words, place);
    else if (isWord(name, "Include") || isWord(name, "IncludeOptional")) {
      this.include(words, place);
    } else if (this.update(words, place)) return;
    else if (name.byteAt(0) == 0x3c) this.container(line.text, place);
    else if (!readEngineDirective(words, place, this.rules)) {
      const word = name.toString();
      this.problems.error(
        place,
        'there is no directive "' + word + '"' + nearestWord(word, KNOWN),
      );
    }
  }

  private rule(words: Bytes[], place: Place): void {
    if (words.length < 3 || words.length > 4) {
      this.problems.error(
        place,
        'SecRule is written SecRule VARIABLES "OPERATOR" "ACTIONS"; quotation marks inside are written \\"',
      );
      this.openChain = null;
      return;
    }
    const rule = new Rule();
    rule.place = place;
    rule.targets = this.targets.read(words[1], place);
    rule.operator = operatorOf(words[2]);
    this.finish(rule, words.length > 3 ? words[3] : Text.of(""));
  }

  private action(words: Bytes[], place: Place): void {
    if (words.length != 2) {
      this.problems.error(place, 'SecAction is written SecAction "ACTIONS"');
      return;
    }
    const rule = new Rule();
    rule.place = place;
    rule.isUnconditional = true;
    this.finish(rule, words[1]);
  }

  private finish(rule: Rule, actions: Bytes): void {
    const last = this.openLink;
    const starter = this.openChain;
    if (starter !== null) rule.phase = starter.phase;
    this.actions.read(actions, rule);
    rule.order = this.rules.order++;
    if (starter !== null && last !== null) this.link(rule, starter, last);
    else {
      if (rule.id == 0) {
        this.problems.error(
          rule.place,
          "a rule needs an id: write id:NUMBER among its actions",
        );
      }
      this.rules.rules.push(rule);
      this.applyDefaults(rule);
    }
    this.openChain = rule.isChainOpen ? (starter === null ? rule : starter) : null;
    this.openLink = rule.isChainOpen ? rule : null;
  }

  private link(rule: Rule, starter: Rule, last: Rule): void {
    last.next = rule;
    if (rule.disruption != DO_UNSET) {
      this.problems.error(
        rule.place,
        "only the first rule of a chain decides what happens: move deny, block, pass … there",
      );
    }
    rule.phase = starter.phase;
    rule.id = starter.id;
    const defaults = this.rules.defaultsOf(starter.phase);
    if (defaults !== null) inheritTransforms(rule, defaults);
  }

  private applyDefaults(rule: Rule): void {
    const defaults = this.rules.defaultsOf(rule.phase);
    if (defaults === null) return;
    inheritTransforms(rule, defaults);
    if (!rule.hasLogWord) {
      rule.isLogged = defaults.isLogged;
      rule.isAudited = defaults.isAudited;
    }
  }

  private marker(words: Bytes[], place: Place): void {
    if (words.length != 2) {
      this.problems.error(place, "SecMarker takes one name");
    } else this.rules.markers.push(new Marker(words[1], this.rules.order++));
  }

  private defaultAction(words: Bytes[], place: Place): void {
    if (words.length != 2) {
      this.problems.error(
        place,
        'SecDefaultAction is written SecDefaultAction "phase:2,log,pass"',
      );
      return;
    }
    const rule = new Rule();
    rule.place = place;
    this.actions.read(words[1], rule);
    this.rules.setDefaults(rule);
  }

  private update(words: Bytes[], place: Place): bool {
    const name = words[0];
    const update = new Update(place);
    if (isWord(name, "SecRuleRemoveById")) update.by = BY_ID;
    else if (isWord(name, "SecRuleRemoveByTag")) update.by = BY_TAG;
    else if (isWord(name, "SecRuleRemoveByMsg")) update.by = BY_MSG;
    else {
      update.kind = UPDATE_TARGETS;
      if (isWord(name, "SecRuleUpdateTargetById")) update.by = BY_ID;
      else if (isWord(name, "SecRuleUpdateTargetByTag")) update.by = BY_TAG;
      else if (isWord(name, "SecRuleUpdateTargetByMsg")) update.by = BY_MSG;
      else if (isWord(name, "SecRuleUpdateActionById")) {
        update.kind = UPDATE_ACTIONS;
      } else return false;
    }
    if (update.kind == UPDATE_REMOVE && words.length >= 2) {
      for (let index = 1; index < words.length; index++) {
        const removal = new Update(place);
        removal.by = update.by;
        removal.which = words[index];
        this.rules.updates.push(removal);
      }
      return true;
    }
    if (words.length < 3 || words.length > 4) {
      this.problems.error(place, name.toString() + " takes rules and a change");
      return true;
    }
    update.which = words[1];
    update.change = words[2];
    if (words.length == 4) update.replaced = words[3];
    this.rules.updates.push(update);
    return true;
  }

  private include(words: Bytes[], place: Place): void {
    if (words.length != 2) {
      this.problems.error(place, "Include takes one file name or pattern");
      return;
    }
    if (this.depth == INCLUDE_DEPTH_MAX) {
      this.problems.error(
        place,
        "files include each other more than " + INCLUDE_DEPTH_MAX.toString() +
          " deep",
      );
      return;
    }
    this.depth++;
    let found = 0;
    for (let index = 0; index < this.files.length; index++) {
      if (
        globMatches(words[1], this.files[index], place.file) &&
        this.readAsset(this.files[index].toString())
      ) found++;
    }
    this.depth--;
    if (found > 0 || isWord(words[0], "IncludeOptional")) return;
    this.problems.error(place, "no file is named " + words[1].toString());
  }

  /** `<IfModule …>` is taken for true; other containers of Apache mean something that is not here. */
  private container(text: Bytes, place: Place): void {
    const line = text.toString().toLowerCase();
    if (line.startsWith("<ifmodule") || line.startsWith("</ifmodule")) return;
    this.problems.error(
      place,
      "containers other than <IfModule> are not supported: use routes of the proxy",
    );
  }
}

/** `!@rx …`, `@pm …`, or a pattern alone. */
function operatorOf(text: Bytes): OperatorText {
  const operator = new OperatorText();
  let rest = trimmed(text);
  if (rest.length > 0 && rest.byteAt(0) == 0x21) {
    operator.isNegated = true;
    rest = trimmed(part(rest, 1, rest.length));
  }
  if (rest.length > 0 && rest.byteAt(0) == 0x40) {
    let end = 1;
    while (end < rest.length && !isSpace(rest.byteAt(end))) end++;
    operator.name = part(rest, 1, end);
    // Blanks between name and argument go; those behind it belong to it.
    while (end < rest.length && isSpace(rest.byteAt(end))) end++;
    operator.argument = part(rest, end, rest.length);
    return operator;
  }
  operator.name = Text.of("rx");
  operator.argument = rest;
  return operator;
}

/** Transformations of the defaults come first, unless the rule begins with `t:none`. */
function inheritTransforms(rule: Rule, defaults: Rule): void {
  if (rule.transforms.length > 0 && rule.transforms[0] == -1) return;
  rule.transforms = defaults.transforms.concat(rule.transforms);
}

/** Whether a rule is one of a list such as `942100,942200-942300`. */
export function isListedId(id: i32, list: Bytes): bool {
  const pieces = listed(list, list.indexOfByte(0x2c) >= 0 ? 0x2c : 0x20);
  for (let index = 0; index < pieces.length; index++) {
    const piece = pieces[index];
    const dash = piece.indexOfByte(0x2d);
    const from = <i32> parseInt(
      (dash < 0 ? piece : part(piece, 0, dash)).toString(),
    );
    const to = dash < 0 ? from : <i32> parseInt(part(piece, dash + 1, piece.length).toString());
    if (id >= from && id <= to) return true;
  }
  return false;
}
