/** Rules that the agent's options take away, for every request or for those to a path or a host. */

import { Bytes, Config, Request, Text } from "sentinel";
import { BY_ID, BY_TAG, Ctl, CTL_REMOVE_TARGET, Target } from "../seclang/model";
import { Place } from "../seclang/problems";
import { RuleSet } from "../seclang/rule_set";
import { TargetReader } from "../seclang/targets";
import { removeRules, RuleChoice } from "../seclang/updates";
import { isSameWord } from "../seclang/words";
import { ruleBits } from "./program";
import { removeRulesNow, removeTargetNow } from "./removals";
import { Rule } from "../seclang/model";

/** An exclusion of some requests. */
class Scoped {
  bits: usize = 0;
  /** Of an exclusion of targets rather than of rules. */
  readonly ctls: Ctl[] = [];

  constructor(
    readonly path: Text,
    readonly host: Text,
    readonly choices: RuleChoice[],
    readonly targets: Target[],
  ) {}
}

/** Reads the option `exclusions`, and takes away what is taken away for every request. */
export class Exclusions {
  private readonly scoped: Scoped[] = [];

  /** What is wrong is reported to `config`. */
  static read(config: Config, set: RuleSet): Exclusions {
    const exclusions = new Exclusions();
    const blocks = config.list("exclusions");
    for (let index = 0; index < blocks.length; index++) {
      exclusions.one(blocks[index], set);
    }
    return exclusions;
  }

  private one(block: Config, set: RuleSet): void {
    const place = new Place(block.path, 0);
    const choices = new Array<RuleChoice>();
    const ids = block.texts("ids");
    for (let index = 0; index < ids.length; index++) {
      choices.push(new RuleChoice(BY_ID, ids[index], place, set.problems));
    }
    const tags = block.texts("tags");
    for (let index = 0; index < tags.length; index++) {
      choices.push(new RuleChoice(BY_TAG, tags[index], place, set.problems));
    }
    const targets = new Array<Target>();
    const words = block.texts("targets");
    const reader = new TargetReader(set.txNames, set.problems);
    for (let index = 0; index < words.length; index++) {
      const read = reader.read(words[index], place);
      for (let each = 0; each < read.length; each++) targets.push(read[each]);
    }
    if (choices.length == 0) block.problem("names no rules: give ids or tags");
    const path = block.text("path");
    const host = block.text("host");
    if (path === null && host === null && targets.length == 0) {
      for (let index = 0; index < choices.length; index++) {
        removeRules(set, choices[index]);
      }
      return;
    }
    const none = Text.of("");
    this.scoped.push(
      new Scoped(
        path === null ? none : path,
        host === null ? none : host.toLowerCase(),
        choices,
        targets,
      ),
    );
    if (targets.length > 0) return;
    for (let index = 0; index < choices.length; index++) {
      set.scopedRemovals.push(choices[index]);
    }
  }

  /** Finds the compiled rules that each exclusion is about. */
  resolve(rules: Rule[]): void {
    for (let index = 0; index < this.scoped.length; index++) {
      const scoped = this.scoped[index];
      for (let each = 0; each < scoped.choices.length; each++) {
        const bits = ruleBits(rules, scoped.choices[each]);
        for (let target = 0; target < scoped.targets.length; target++) {
          const ctl = new Ctl();
          ctl.kind = CTL_REMOVE_TARGET;
          ctl.ruleBits = bits;
          ctl.target = scoped.targets[target];
          scoped.ctls.push(ctl);
        }
        if (scoped.targets.length > 0) continue;
        scoped.bits = scoped.bits == 0 ? bits : united(scoped.bits, bits, rules.length);
      }
    }
  }

  /** Takes away what is taken away for a request. */
  apply(request: Request): void {
    const scoped = this.scoped;
    if (scoped.length == 0) return;
    const path = request.pathText;
    const host = request.hostText;
    for (let index = 0; index < scoped.length; index++) {
      const each = scoped[index];
      if (each.path.length > 0 && !isBelow(path, each.path)) continue;
      if (each.host.length > 0 && !isSameWord(host, each.host)) continue;
      removeRulesNow(each.bits);
      for (let ctl = 0; ctl < each.ctls.length; ctl++) {
        removeTargetNow(each.ctls[ctl]);
      }
    }
  }
}

/** A path is the one of an exclusion, or below it; with `*` at its end, anything that begins like it. */
function isBelow(path: Bytes, wanted: Text): bool {
  if (wanted.byteAt(wanted.length - 1) == 0x2a) {
    return path.startsWith(wanted.slice(0, wanted.length - 1));
  }
  if (!path.startsWith(wanted)) return false;
  return path.length == wanted.length ||
    wanted.byteAt(wanted.length - 1) == 0x2f ||
    path.byteAt(wanted.length) == 0x2f;
}

function united(bits: usize, more: usize, rules: i32): usize {
  for (let at = 0; at < (rules + 7) >> 3; at++) {
    store<u8>(bits + at, load<u8>(bits + at) | load<u8>(more + at));
  }
  return bits;
}
