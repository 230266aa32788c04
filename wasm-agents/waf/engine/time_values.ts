/** TIME and its kin, in UTC. */

import { Bytes, Text } from "sentinel";
import {
  VAR_TIME,
  VAR_TIME_DAY,
  VAR_TIME_EPOCH,
  VAR_TIME_HOUR,
  VAR_TIME_MIN,
  VAR_TIME_MON,
  VAR_TIME_SEC,
  VAR_TIME_WDAY,
} from "../seclang/variables";

/** The value at a point in time. */
export function timeValue(variable: i32, wallMs: f64): Bytes {
  const seconds = <i64> Math.floor(wallMs / 1000);
  const inDay = <i32> (seconds % 86400);
  const hour = inDay / 3600;
  const minute = inDay / 60 % 60;
  if (variable == VAR_TIME) {
    return Text.of(two(hour) + ":" + two(minute) + ":" + two(inDay % 60));
  }
  if (variable == VAR_TIME_EPOCH) return Text.of(seconds.toString());
  if (variable == VAR_TIME_HOUR) return Text.of(hour.toString());
  if (variable == VAR_TIME_MIN) return Text.of(minute.toString());
  if (variable == VAR_TIME_SEC) return Text.of((inDay % 60).toString());
  const days = <i32> (seconds / 86400);
  // The first of January 1970 was a Thursday.
  if (variable == VAR_TIME_WDAY) return Text.of(((days + 4) % 7).toString());
  const date = civil(days);
  if (variable == VAR_TIME_DAY) return Text.of((date % 100).toString());
  // January is 0.
  if (variable == VAR_TIME_MON) {
    return Text.of((date / 100 % 100 - 1).toString());
  }
  return Text.of((date / 10000).toString());
}

/** Year, month and day of a day since 1970 as one number, by Hinnant's `civil_from_days`. */
function civil(days: i32): i32 {
  const shifted = days + 719468;
  const era = shifted / 146097;
  const inEra = shifted - era * 146097;
  const year = (inEra - inEra / 1460 + inEra / 36524 - inEra / 146096) / 365;
  const inYear = inEra - (365 * year + year / 4 - year / 100);
  const month = (5 * inYear + 2) / 153;
  const day = inYear - (153 * month + 2) / 5 + 1;
  const calendarMonth = month < 10 ? month + 3 : month - 9;
  return (year + era * 400 + (calendarMonth <= 2 ? 1 : 0)) * 10000 +
    calendarMonth * 100 + day;
}

function two(number: i32): string {
  return number < 10 ? "0" + number.toString() : number.toString();
}
