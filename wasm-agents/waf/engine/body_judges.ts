/**
 * Whether a rule set asks what is wrong with a body. The Core Rule Set alone does not: it counts on rules 200002 and 200003,
 * which come in a file of their own with ModSecurity. Without them a syntax error at the start of a body would hide the rest
 * of it, so bodies with errors are looked at as a whole then.
 */

import { Rule } from "../seclang/model";
import { Place, Problems } from "../seclang/problems";
import { Settings } from "../seclang/settings";
import {
  VAR_ARGS,
  VAR_ARGS_POST,
  VAR_FILES,
  VAR_FILES_NAMES,
  VAR_MULTIPART_STRICT_ERROR,
  VAR_REQBODY_ERROR,
  VAR_REQBODY_ERROR_MSG,
  VAR_REQBODY_PROCESSOR_ERROR,
  VAR_REQBODY_PROCESSOR_ERROR_MSG,
  VAR_XML,
} from "../seclang/variables";

const HINT = ", so a body with such an error is looked at as a whole, as one more argument without a name; " +
  "to refuse it, add ";

/** Notes in the settings what the rules judge, and warns of what they do not where they look at bodies. */
export function noteBodyJudges(rules: Rule[], settings: Settings, problems: Problems): void {
  let readsBodies = false;
  let judgesErrors = false;
  let judgesStrict = false;
  let first: Rule | null = null;
  for (let index = 0; index < rules.length; index++) {
    const rule = rules[index];
    if (rule.phase != 2) continue;
    let link: Rule | null = rule;
    while (link !== null) {
      if (!readsBodies && looksAtBody(link)) {
        readsBodies = true;
        first = link;
      }
      link = link.next;
    }
    // What a chain asks besides may be false for a body with an error.
    if (rule.next !== null) continue;
    if (
      looksAt(rule, VAR_REQBODY_ERROR) || looksAt(rule, VAR_REQBODY_PROCESSOR_ERROR) ||
      looksAt(rule, VAR_REQBODY_ERROR_MSG) || looksAt(rule, VAR_REQBODY_PROCESSOR_ERROR_MSG)
    ) judgesErrors = true;
    if (looksAt(rule, VAR_MULTIPART_STRICT_ERROR)) judgesStrict = true;
  }
  settings.judgesBodyErrors = judgesErrors;
  settings.judgesStrictErrors = judgesStrict;
  // Rules that cannot be loaded may be those.
  if (first === null || !settings.readsRequestBody || problems.hasErrors) return;
  if (!judgesErrors && !judgesStrict) {
    warn(first.place, "REQBODY_ERROR and MULTIPART_STRICT_ERROR", "rules 200002 and 200003", problems);
  } else if (!judgesErrors) warn(first.place, "REQBODY_ERROR", "rule 200002", problems);
  else if (!judgesStrict) warn(first.place, "MULTIPART_STRICT_ERROR", "rule 200003", problems);
}

function warn(place: Place, variables: string, rules: string, problems: Problems): void {
  problems.warn(
    place,
    "no rule judges " + variables + HINT + rules + " of modsecurity.conf-recommended before these rules",
  );
}

function looksAtBody(link: Rule): bool {
  return looksAt(link, VAR_ARGS) || looksAt(link, VAR_ARGS_POST) || looksAt(link, VAR_FILES) ||
    looksAt(link, VAR_FILES_NAMES) || looksAt(link, VAR_XML);
}

function looksAt(link: Rule, variable: i32): bool {
  for (let index = 0; index < link.targets.length; index++) {
    const target = link.targets[index];
    if (target.variable == variable && !target.isExcluded && !target.isCount) return true;
  }
  return false;
}
