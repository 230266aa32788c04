/** What matching rules change: variables, collections, the engine for this transaction. */

import {
  Ctl,
  CTL_AUDIT_ENGINE,
  CTL_BODY_ACCESS,
  CTL_BODY_PROCESSOR,
  CTL_FORCE_BODY_VARIABLE,
  CTL_REMOVE_RULES,
  CTL_REMOVE_TARGET,
  CTL_REQUEST_BODY_LIMIT,
  CTL_RESPONSE_BODY_ACCESS,
  CTL_RESPONSE_BODY_LIMIT,
  CTL_RULE_ENGINE,
  Rule,
  SET_ADD,
  SET_REMOVE,
  SET_TO,
  SetVar,
} from "../seclang/model";
import { VAR_REQBODY_PROCESSOR, VAR_TX } from "../seclang/variables";
import { collectionKey, expireVariable, openCollection } from "./collections";
import { expanded, expandedNumber } from "./expand";
import { forgetSingle, newEpoch } from "./lists";
import { removeRulesNow, removeTargetNow } from "./removals";
import * as stores from "./stores";
import * as transaction from "./transaction";

/** What the rule at hand has added to scores since it began. */
export let addedScore: i32 = 0;

export function clearAddedScore(): void {
  addedScore = 0;
}

/** Makes the changes of variables that a rule wants for each value that matches. */
export function setVariables(rule: Rule): void {
  const changes = rule.setVars;
  // A rule may open a collection and count in it at once.
  if (changes.length > 0 && rule.initCollections.length > 0) openCollections(rule);
  for (let index = 0; index < changes.length; index++) {
    setVariable(unchecked(changes[index]));
  }
}

function setVariable(change: SetVar): void {
  let value: usize;
  if (change.slot >= 0) value = stores.slotValue(change.slot);
  else {
    // As in ModSecurity there is nothing to set in a collection that was not opened.
    if (change.store != VAR_TX && collectionKey(change.store).length == 0) return;
    const name = expanded(change.name);
    value = stores.placeOf(change.store, name.at, name.length);
    if (value == 0) return;
  }
  if (change.operation == SET_REMOVE) store<i32>(value, stores.UNSET);
  else if (change.operation == SET_TO) assign(change, value);
  else {
    const amount = change.isNumber
      ? change.number
      : change.valueSlot >= 0
      ? stores.numberOf(stores.slotValue(change.valueSlot))
      : expandedNumber(change.value);
    const signed: i64 = change.operation == SET_ADD ? amount : -(<i64> amount);
    if (change.isScore) addedScore = within(addedScore + signed);
    stores.setNumber(value, within(stores.numberOf(value) + signed));
  }
}

/** Clients choose what is added: a score that gets too high must not become a low one. */
function within(sum: i64): i32 {
  return <i32> max<i64>(i32.MIN_VALUE, min<i64>(i32.MAX_VALUE, sum));
}

function assign(change: SetVar, value: usize): void {
  if (change.isNumber) return stores.setNumber(value, change.number);
  if (change.valueSlot >= 0) {
    const from = stores.slotValue(change.valueSlot);
    if (load<i32>(from) == stores.UNSET) return stores.setBytes(value, 0, 0);
    memory.copy(value, from, 12);
    return;
  }
  const text = expanded(change.value);
  stores.setBytes(value, text.at, text.length);
}

/** What happens once when a whole chain has matched. */
export function changeEngine(rule: Rule): void {
  openCollections(rule);
  for (let index = 0; index < rule.expirations.length; index++) {
    const action = rule.expirations[index];
    expireVariable(
      action.store,
      expanded(action.name),
      expandedNumber(action.value),
    );
  }
  for (let index = 0; index < rule.ctls.length; index++) {
    control(rule.ctls[index]);
  }
}

function openCollections(rule: Rule): void {
  for (let index = 0; index < rule.initCollections.length; index++) {
    const action = rule.initCollections[index];
    openCollection(action.store, expanded(action.value));
  }
}

function control(ctl: Ctl): void {
  if (ctl.kind == CTL_REMOVE_RULES) removeRulesNow(ctl.ruleBits);
  else if (ctl.kind == CTL_REMOVE_TARGET) removeTargetNow(ctl);
  else if (ctl.kind == CTL_RULE_ENGINE) transaction.setEngine(ctl.value);
  else if (ctl.kind == CTL_BODY_PROCESSOR) {
    transaction.setBodyProcessor(ctl.value);
    forgetSingle(VAR_REQBODY_PROCESSOR);
    newEpoch();
  } else if (ctl.kind == CTL_BODY_ACCESS) {
    transaction.setReadsBody(ctl.value == 1);
  } else if (ctl.kind == CTL_RESPONSE_BODY_ACCESS) {
    transaction.setReadsResponseBody(ctl.value == 1);
  } else if (ctl.kind == CTL_FORCE_BODY_VARIABLE) {
    transaction.setBodyForced(ctl.value == 1);
  } else if (ctl.kind == CTL_AUDIT_ENGINE) {
    transaction.setAudited(ctl.value != 0);
  } else if (ctl.kind == CTL_REQUEST_BODY_LIMIT) {
    transaction.setRequestBodyLimit(ctl.value);
  } else if (ctl.kind == CTL_RESPONSE_BODY_LIMIT) {
    transaction.setResponseBodyLimit(ctl.value);
  }
}
