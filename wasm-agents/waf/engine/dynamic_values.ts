/** Variables that can change from rule to rule. */

import { Bytes, clock, Text } from "sentinel";
import {
  VAR_DURATION,
  VAR_HIGHEST_SEVERITY,
  VAR_MATCHED_VAR,
  VAR_MATCHED_VAR_NAME,
  VAR_MSC_PCRE_ERROR,
  VAR_MSC_PCRE_LIMITS_EXCEEDED,
  VAR_SESSION,
  VAR_SESSIONID,
  VAR_USER,
  VAR_USERID,
} from "../seclang/variables";
import { collectionKey } from "./collections";
import * as lists from "./lists";
import { fullNameAt, hasMatched, matchedName, matchedText } from "./matched";
import { numberText, valueTextAt } from "./stores";
import { textAt, textLength } from "./texts";
import * as transaction from "./transaction";

const ZERO = Text.of("0");

/** A pair with the value as it is now; `ABSENT` when there is none. */
export function dynamicSingle(variable: i32): usize {
  if (variable == VAR_MATCHED_VAR) {
    if (!hasMatched()) return lists.ABSENT;
    return lists.newPair(
      0,
      0,
      textAt(matchedText()),
      textLength(matchedText()),
    );
  }
  if (variable == VAR_MATCHED_VAR_NAME) {
    if (!hasMatched()) return lists.ABSENT;
    const length = matchedName();
    return lists.newPair(0, 0, fullNameAt(), length);
  }
  if (variable == VAR_HIGHEST_SEVERITY) {
    return numbered(transaction.highestSeverity);
  }
  if (variable == VAR_DURATION) {
    return numbered(<i64> (clock.monotonicMs() - transaction.startedMs));
  }
  if (
    variable == VAR_MSC_PCRE_ERROR || variable == VAR_MSC_PCRE_LIMITS_EXCEEDED
  ) return pairOf(ZERO);
  if (variable == VAR_SESSIONID) return ofKey(VAR_SESSION);
  return variable == VAR_USERID ? ofKey(VAR_USER) : lists.ABSENT;
}

function numbered(value: i64): usize {
  const length = numberText(value);
  return lists.newPair(0, 0, valueTextAt(), length);
}

function pairOf(value: Bytes): usize {
  return lists.newPair(0, 0, value.at, value.length);
}

function ofKey(collection: i32): usize {
  const key = collectionKey(collection);
  return key.length == 0 ? lists.ABSENT : pairOf(key);
}
