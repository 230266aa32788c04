/** Rules made ready to run: by phase, with operators compiled and targets grouped. */

import { DO_BLOCK, DO_DENY, DO_PASS, DO_UNSET, Rule, Target } from "../seclang/model";
import { ActionReader } from "../seclang/actions";
import { Problems } from "../seclang/problems";
import { RuleSet } from "../seclang/rule_set";
import { RuleChoice } from "../seclang/updates";
import { VAR_TX } from "../seclang/variables";
import { Group, Source } from "./groups";
import { orderAfterJump, withoutIdle } from "./foregone";
import { Operation, OperationMaker } from "./operations";
import { prepareMatchTexts } from "./match_text";
import { emptyPhase, Phase } from "./phases";
import { neverRunning } from "./prune";
import { findQuickRules } from "./quick_rules";
import { findShownCaptures } from "./shown_captures";
import { newRuleBits, prepareRemovals } from "./removals";
import { prepareStores } from "./stores";
import { chainOf, setScan } from "./texts";

/** All rules, ready. */
export class Program {
  readonly phases: Phase[] = [];
  operations: Operation[] = [];
  readonly groups: Group[] = [];
  /** By index. */
  rules: Rule[] = [];
  leftOut: i32 = 0;
  /** Phase 1 without the rules that come out the same for every request. */
  begun: Phase = emptyPhase();
  private readonly groupNumbers: Map<string, i32> = new Map<string, i32>();
  private readonly sets: Map<string, StaticArray<Source>> = new Map<string, StaticArray<Source>>();
  private readonly sources: Map<string, Source> = new Map<string, Source>();

  /** Compiles a rule set whose updates are made. Problems are reported there. `runsAll`: also rules that do nothing. */
  static compile(set: RuleSet, reader: ActionReader, runsAll: bool): Program {
    const program = new Program();
    prepareStores(set.txNames);
    const rules = program.chosen(set);
    program.rules = rules;
    prepareRemovals(rules.length);
    const maker = new OperationMaker(reader.macros, set);
    for (let index = 0; index < rules.length; index++) {
      rules[index].index = index;
      settle(rules[index], set);
      program.prepare(rules[index], maker);
    }
    // Operators may have named more variables of TX.
    prepareStores(set.txNames);
    setScan(0, maker.scan(0));
    setScan(1, maker.scan(1));
    program.operations = maker.operations;
    for (let index = 0; index < rules.length; index++) {
      program.group(rules[index], set);
    }
    const sources = program.sources.values();
    for (let index = 0; index < sources.length; index++) sources[index].settle();
    findQuickRules(rules, maker.operations);
    findShownCaptures(rules, maker.operations);
    prepareMatchTexts(rules, runsAll);
    warnOfMarkers(rules, set);
    for (let phase = 0; phase <= 5; phase++) {
      const chosen = program.rulesOf(phase);
      program.phases.push(program.phaseOf(runsAll ? chosen : withoutIdle(chosen, set)));
    }
    for (let phase = 1; phase <= 5; phase++) {
      linkSkips(program.phases[phase], set);
    }
    for (let index = 0; index < rules.length; index++) {
      program.resolveControls(rules[index], rules, set);
    }
    return program;
  }

  /** Rules that can run at all. */
  private chosen(set: RuleSet): Rule[] {
    const isLeftOut = neverRunning(set);
    const rules = new Array<Rule>();
    for (let index = 0; index < set.rules.length; index++) {
      if (!isLeftOut[index]) rules.push(set.rules[index]);
      else this.leftOut++;
    }
    return rules;
  }

  private prepare(rule: Rule, maker: OperationMaker): void {
    const side = rule.phase >= 3 ? 1 : 0;
    let link: Rule | null = rule;
    while (link !== null) {
      link.index = rule.index;
      maker.make(link, side);
      link.node = chainNode(link, maker.problems);
      link = link.next;
    }
  }

  /** Groups need the searches, and these the literals of all rules: so they come last. */
  private group(rule: Rule, set: RuleSet): void {
    let link: Rule | null = rule;
    while (link !== null) {
      if (link.targets.length > 0) {
        link.bundle = this.groupOf(
          link.targets,
          link.node,
          rule.phase >= 3 ? 1 : 0,
          set,
        );
        if (link.operation >= 0 && !link.isNegated) link.bit = this.operations[link.operation].bit;
        if (link.bit >= 0) this.groups[link.bundle].lookFor(link.isMultiMatch);
      }
      link = link.next;
    }
  }

  private groupOf(targets: Target[], node: i32, side: i32, set: RuleSet): i32 {
    const setKey = keyOf(targets, side);
    const key = setKey + " " + node.toString();
    if (this.groupNumbers.has(key)) return this.groupNumbers.get(key);
    if (!this.sets.has(setKey)) this.sets.set(setKey, this.sourcesOf(targets, side, set));
    this.groups.push(new Group(this.sets.get(setKey), side, node));
    this.groupNumbers.set(key, this.groups.length - 1);
    return this.groups.length - 1;
  }

  private sourcesOf(targets: Target[], side: i32, set: RuleSet): StaticArray<Source> {
    const sources = new Array<Source>();
    for (let index = 0; index < targets.length; index++) {
      const target = targets[index];
      if (target.isExcluded) continue;
      const exclusions = new Array<Target>();
      for (let other = 0; other < targets.length; other++) {
        if (
          targets[other].isExcluded &&
          targets[other].variable == target.variable
        ) exclusions.push(targets[other]);
      }
      const key = keyOf([target].concat(exclusions), side);
      if (!this.sources.has(key)) {
        findSlots(target, set);
        this.sources.set(
          key,
          new Source(target, exclusions, side),
        );
      }
      sources.push(this.sources.get(key));
    }
    return StaticArray.fromArray<Source>(sources);
  }

  private rulesOf(phase: i32): Rule[] {
    const chosen = new Array<Rule>();
    for (let index = 0; index < this.rules.length; index++) {
      if (this.rules[index].phase == phase) chosen.push(this.rules[index]);
    }
    return chosen;
  }

  /** Rules that run one after the other. */
  phaseOf(rules: Rule[]): Phase {
    return new Phase(StaticArray.fromArray<Rule>(rules), this.groups);
  }

  /** Finds the rules that each `ctl` is about. */
  private resolveControls(rule: Rule, rules: Rule[], set: RuleSet): void {
    let link: Rule | null = rule;
    while (link !== null) {
      for (let index = 0; index < link.ctls.length; index++) {
        const ctl = link.ctls[index];
        if (ctl.which.length > 0) {
          ctl.ruleBits = ruleBits(
            rules,
            new RuleChoice(ctl.by, ctl.which, rule.place, set.problems),
          );
        }
      }
      link = link.next;
    }
  }
}

function keyOf(targets: Target[], side: i32): string {
  const words = new Array<string>();
  for (let index = 0; index < targets.length; index++) {
    words.push(targets[index].source.toString());
  }
  return words.join("|") + " " + side.toString();
}

/** Of a target that means many variables of TX: those that have slots. */
function findSlots(target: Target, set: RuleSet): void {
  if (
    target.variable != VAR_TX || target.slot >= 0 ||
    target.hasSelector && target.pattern === null
  ) return;
  const slots = new Array<i32>();
  const pattern = target.pattern;
  for (let slot = 0; slot < set.txNames.names.length; slot++) {
    const name = set.txNames.names[slot];
    if (pattern === null || pattern.test(name.at, name.length)) {
      slots.push(slot);
    }
  }
  target.slots = StaticArray.fromArray<i32>(slots);
}

/** A set of bits for the rules of a choice. */
export function ruleBits(rules: Rule[], choice: RuleChoice): usize {
  const bits = newRuleBits();
  for (let index = 0; index < rules.length; index++) {
    if (!choice.includes(rules[index])) continue;
    const at = bits + (index >> 3);
    store<u8>(at, load<u8>(at) | (<u8> 1 << <u8> (index & 7)));
  }
  return bits;
}

/** Works out what a rule does in the end: its own word, or that of the defaults. */
function settle(rule: Rule, set: RuleSet): void {
  const defaults = set.defaultsOf(rule.phase);
  if (rule.disruption == DO_UNSET || rule.disruption == DO_BLOCK) {
    rule.disruption = DO_PASS;
    if (defaults !== null) {
      rule.disruption = defaults.disruption;
      if (rule.status == 0) rule.status = defaults.status;
      if (rule.redirect === null) rule.redirect = defaults.redirect;
    }
    if (rule.disruption == DO_BLOCK) rule.disruption = DO_DENY;
  }
}

/** The chain of transformations of a link. */
function chainNode(link: Rule, problems: Problems): i32 {
  let node = 0;
  for (let index = 0; index < link.transforms.length; index++) {
    const step = link.transforms[index];
    node = step < 0 ? 0 : chainOf(node, step);
    if (node >= 0) continue;
    problems.error(link.place, "the rules have too many different chains of transformations, at most 1024");
    return 0;
  }
  return node;
}

/** Finds where `skip` and `skipAfter` lead. */
function linkSkips(phase: Phase, set: RuleSet): void {
  const rules = phase.rules;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    const order = orderAfterJump(rule, set);
    let next = index + 1;
    while (next < rules.length && rules[next].order < order) next++;
    rule.jump = next - index;
  }
}

function warnOfMarkers(rules: Rule[], set: RuleSet): void {
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule.skipAfter.length == 0 || set.markerOrder(rule.skipAfter) >= 0) continue;
    set.problems.warn(
      rule.place,
      "there is no marker " + rule.skipAfter.toString() + ": the rest of the phase is skipped",
    );
  }
}
