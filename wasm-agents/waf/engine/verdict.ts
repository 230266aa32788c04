/** What the proxy is told: the decision, and for its log which rules have matched. */

import { Bytes, ByteWriter, Decision, Text } from "sentinel";
import { Regex } from "../regex/regex";
import { DO_REDIRECT, ENGINE_ON, Macro, Rule } from "../seclang/model";
import { VAR_TX } from "../seclang/variables";
import { endedBy, wouldEndBy } from "./execute";
import { expanded } from "./expand";
import { writeJsonText } from "./json_text";
import { matchCount, matchesLeftOut, matchRecord } from "./matches";
import * as stores from "./stores";
import * as transaction from "./transaction";

/** Bytes of the list of matches: the proxy takes 256 KiB of a result. Matches beyond are counted. */
const LISTED_BYTES_MAX: i32 = 98304;

/** Tags that are listed for one call, and for one match. */
const TAGS_MAX: i32 = 64;

/** Bytes of an address to go to: the proxy takes no more. */
const LOCATION_BYTES_MAX: i32 = 8192;

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
  const tags = new Array<Bytes>();
  let leftOut = matchesLeftOut();
  for (let index = 0; index < count; index++) {
    const record = matchRecord(index);
    const rule = changetype<Rule>(load<usize>(record));
    with_ = with_.withRuleId(rule.id.toString());
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
    with_ = with_.withTag(tags[index].toString());
  }
  with_ = with_.withAudit("waf.matches", writer.text.toString());
  with_ = withScore(with_, "waf.score.inbound", INBOUND);
  with_ = withScore(with_, "waf.score.outbound", OUTBOUND);
  if (leftOut > 0) {
    with_ = with_.withAudit("waf.matches-left-out", leftOut.toString());
  }
  if (endedBy != 0) {
    const rule = changetype<Rule>(endedBy);
    return with_.withReasonCode("WAF_BLOCKED").withAudit("waf.verdict", "block")
      .withAudit("waf.rule", rule.id.toString());
  }
  if (wouldEndBy != 0) {
    const rule = changetype<Rule>(wouldEndBy);
    return with_.withReasonCode("WAF_DETECTED").withAudit(
      "waf.verdict",
      "detected",
    ).withAudit("waf.rule", rule.id.toString());
  }
  return with_.withReasonCode("WAF_MATCHED").withAudit("waf.verdict", "pass");
}

function noteTags(rule: Rule, tags: Bytes[]): void {
  for (let index = 0; index < rule.tags.length; index++) {
    const tag = rule.tags[index].source;
    let isNew = tags.length < TAGS_MAX;
    for (let other = 0; isNew && other < tags.length; other++) {
      isNew = !tags[other].equals(tag);
    }
    if (isNew) tags.push(tag);
  }
}

function withScore(made: Decision, name: string, variables: Bytes[]): Decision {
  for (let index = 0; index < variables.length; index++) {
    const value = stores.valueOf(
      VAR_TX,
      variables[index].at,
      variables[index].length,
    );
    if (value != 0) {
      return made.withAudit(name, stores.numberOf(value).toString());
    }
  }
  return made;
}

function writeMatch(writer: ByteWriter, record: usize, rule: Rule): void {
  const name = loadBytes(record + 8);
  writer.bytes(
    Text.of(
      '{"id":' + rule.id.toString() + ',"phase":' +
        load<i32>(record, 44).toString(),
    ),
  );
  writeMember(writer, "msg", loadBytes(record + 24));
  if (rule.severity >= 0) {
    writer.bytes(Text.of(',"severity":' + rule.severity.toString()));
  }
  writer.bytes(Text.of(',"tags":['));
  let open = load<usize>(record, 48);
  for (let index = 0; index < rule.tags.length; index++) {
    if (index > 0) writer.byte(0x2c);
    const tag = rule.tags[index];
    if (tag.isFixed) writeJsonText(writer, tag.fixed);
    else {
      writeJsonText(writer, loadBytes(open));
      open += 8;
    }
  }
  writer.byte(0x5d);
  if (name.length > 0) {
    writeMember(writer, "var", name);
    writeMember(writer, "value", loadBytes(record + 16));
    writePlace(writer, record);
  }
  const data = loadBytes(record + 32);
  if (data.length > 0) writeMember(writer, "data", data);
  writer.bytes(Text.of(',"score":' + load<i32>(record, 40).toString()));
  writeMember(writer, "file", Text.of(rule.place.file));
  writer.bytes(Text.of(',"line":' + rule.place.line.toString() + "}"));
}

/** Which part of a long value the rule met, and how much of it is shown. */
function writePlace(writer: ByteWriter, record: usize): void {
  const met = loadBytes(record + 52);
  if (met.length > 0) writeMember(writer, "match", met);
  const length = load<i32>(record, 64);
  if (length == 0) return;
  writer.bytes(
    Text.of(',"valueFrom":' + load<i32>(record, 60).toString() + ',"valueBytes":' + length.toString()),
  );
}

function writeMember(writer: ByteWriter, name: string, value: Bytes): void {
  writer.bytes(Text.of(',"' + name + '":'));
  writeJsonText(writer, value);
}

function loadBytes(at: usize): Bytes {
  return new Bytes(load<usize>(at), load<i32>(at, 4));
}
