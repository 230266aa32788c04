/** How the patterns of rules are read. */

import { RegexFlags } from "../regex/limits";

/** As ModSecurity 2 does, and Coraza: `^` and `$` are the ends of the text, `.` is any byte. */
export const REGEX_FLAGS: u32 = RegexFlags.MODSECURITY_2;

/** Names of members are looked up in any letter case. */
export const REGEX_SELECTOR_FLAGS: u32 = RegexFlags.MODSECURITY_2 |
  RegexFlags.CASELESS;
