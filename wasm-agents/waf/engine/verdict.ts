/** What the proxy is told: the decision, and for its log which rules have matched. */

import { Bytes, ByteWriter, Decision, Text } from "sentinel";
import { Regex } from "../regex/regex";
import { DO_REDIRECT, ENGINE_ON, Macro, Rule } from "../seclang/model";
import { VAR_TX } from "../seclang/variables";
import { endedBy, wouldEndBy } from "./execute";
import { expanded } from "./expand";
import { writeMatch } from "./match_text";
import { matchCount, matchesLeftOut, matchRecord } from "./matches";
import * as stores from "./stores";
import * as transaction from "./transaction";

/** Bytes of the list of matches: the proxy takes 256 KiB of a result. Matches beyond are counted. */
const LISTED_BYTES_MAX: i32 = 98304;

/** Tags of the rules that matched that are listed by themselves: as many as the proxy keeps. The matches have all of theirs. */
const TAGS_MAX: i32 = 16;

/** Bytes of an address to go to: the proxy takes no more. */
const LOCATION_BYTES_MAX: i32 = 8192;

const MATCHES = Text.of("waf.matches");
const VERDICT = Text.of("waf.verdict");
const RULE = Text.of("waf.rule");
const INBOUND_SCORE = Text.of("waf.score.inbound");
const OUTBOUND_SCORE = Text.of("waf.score.outbound");
const BLOCK = Text.of("block");
const DETECTED = Text.of("detected");
const PASS = Text.of("pass");

const INBOUND: Bytes[] = [
  Text.of("blocking_inbound_anomaly_score"),
  Text.of("inbound_anomaly_score"),
  Text.of("anomaly_score"),
];
const OUTBOUND: Bytes[] = [
  Text.of("blocking_outbound_anomaly_score"),
  Text.of("outbound_anomaly_score"),
];

/** The decision about a message. `isOpen` asks to wait for its body. */
export function decision(isOpen: bool): Decision {
  const ended = endedBy;
  let made = Decision.allow();
  if (ended == 0 && Regex.isExhausted) {
    // Nobody knows what the rules that were left out would have said.
    if (transaction.engine == ENGINE_ON) return refusal(403, "WAF_WORK_LIMIT");
    if (isOpen) made = made.needsMore();
    return withFacts(made.withReasonCode("WAF_WORK_LIMIT"));
  }
  if (ended != 0) made = ending(changetype<Rule>(ended));
  else if (isOpen) made = made.needsMore();
  return matchCount() == 0 && ended == 0 ? made : withFacts(made);
}

/** A decision that no rule has made. */
export function refusal(status: i32, reason: string): Decision {
  return withFacts(Decision.block(status).withReasonCode(reason));
}

function ending(rule: Rule): Decision {
  const redirect: Macro | null = rule.redirect;
  if (rule.disruption == DO_REDIRECT && redirect !== null) {
    const location = expanded(redirect);
    const status = rule.status;
    const isKnown = status == 301 || status == 303 || status == 307 ||
      status == 308;
    if (isLocation(location)) {
      return Decision.redirect(location.toString(), isKnown ? status : 302);
    }
  }
  return Decision.block(
    rule.status >= 400 && rule.status <= 599 ? rule.status : 403,
  );
}

/** Whether the proxy takes it: what clients put into it must not make a decision that is none. */
function isLocation(location: Bytes): bool {
  if (location.length == 0 || location.length > LOCATION_BYTES_MAX) return false;
  for (let index = 0; index < location.length; index++) {
    const byte = location.byteAt(index);
    if (byte <= 0x20 || byte >= 0x7f) return false;
  }
  return true;
}

function withFacts(made: Decision): Decision {
  let with_ = made;
  const count = matchCount();
  const writer = new ByteWriter(1024);
  writer.byte(0x5b);
  const tags = new Array<Text>();
  let leftOut = matchesLeftOut();
  for (let index = 0; index < count; index++) {
    const record = matchRecord(index);
    const rule = changetype<Rule>(load<usize>(record));
    with_ = with_.withRuleIdText(rule.idText);
    noteTags(rule, tags);
    if (writer.text.length > LISTED_BYTES_MAX) {
      leftOut++;
      continue;
    }
    if (index > 0) writer.byte(0x2c);
    writeMatch(writer, record, rule);
  }
  writer.byte(0x5d);
  for (let index = 0; index < tags.length; index++) {
    with_ = with_.withTagText(tags[index]);
  }
  with_ = with_.withAuditText(MATCHES, writer.text);
  with_ = withScore(with_, INBOUND_SCORE, INBOUND);
  with_ = withScore(with_, OUTBOUND_SCORE, OUTBOUND);
  if (leftOut > 0) {
    with_ = with_.withAudit("waf.matches-left-out", leftOut.toString());
  }
  if (endedBy != 0) {
    const rule = changetype<Rule>(endedBy);
    return with_.withReasonCode("WAF_BLOCKED").withAuditText(VERDICT, BLOCK).withAuditText(RULE, rule.idText);
  }
  if (wouldEndBy != 0) {
    const rule = changetype<Rule>(wouldEndBy);
    return with_.withReasonCode("WAF_DETECTED").withAuditText(VERDICT, DETECTED).withAuditText(
      RULE,
      rule.idText,
    );
  }
  return with_.withReasonCode("WAF_MATCHED").withAuditText(VERDICT, PASS);
}

function noteTags(rule: Rule, tags: Text[]): void {
  for (let index = 0; index < rule.tagTexts.length && tags.length < TAGS_MAX; index++) {
    const tag = rule.tagTexts[index];
    let isNew = true;
    for (let other = 0; isNew && other < tags.length; other++) {
      isNew = !tags[other].equals(tag);
    }
    if (isNew) tags.push(tag);
  }
}

function withScore(made: Decision, name: Text, variables: Bytes[]): Decision {
  for (let index = 0; index < variables.length; index++) {
    const value = stores.valueOf(
      VAR_TX,
      variables[index].at,
      variables[index].length,
    );
    if (value != 0) {
      return made.withAuditText(name, Text.of(stores.numberOf(value).toString()));
    }
  }
  return made;
}
