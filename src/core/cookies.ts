import type { HeaderList } from "./headers.ts";

const SEMICOLON = 0x3b;
const SPACE = 0x20;
const TAB = 0x09;

/**
 * The value of the first cookie of that name in a request, as it stands there; undefined when there is none
 * (RFC 6265 §5.4: pairs are separated by semicolons; names are told apart by case). A client may send several
 * Cookie lines: all are looked through, in order.
 */
export function cookieValue(headers: HeaderList, name: string): string | undefined {
  for (let line = headers.indexOf("cookie"); line >= 0; line = headers.indexOf("cookie", line + 1)) {
    const found = valueIn(headers.valueAt(line), name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function valueIn(text: string, name: string): string | undefined {
  // Jumping from one occurrence to the next keeps this linear, however many cookies there are.
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const equals = at + name.length;
    if (text.charCodeAt(equals) !== 0x3d || !beginsPair(text, at)) continue;
    const end = text.indexOf(";", equals);
    return text.slice(equals + 1, end < 0 ? text.length : end).trim();
  }
  return undefined;
}

/** Whether only white space lies between the place and the semicolon, or the start, before it. */
function beginsPair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  if (at === 0 || before === SEMICOLON) return true;
  if (before !== SPACE && before !== TAB) return false;
  let from = at - 2;
  while (from >= 0 && (text.charCodeAt(from) === SPACE || text.charCodeAt(from) === TAB)) from--;
  return from < 0 || text.charCodeAt(from) === SEMICOLON;
}

/** What is wrong with a cookie's name, completing `"name" …`, or undefined when nothing is (RFC 6265 §4.1.1). */
export function checkCookieName(name: string): string | undefined {
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ? undefined : "is no valid cookie name";
}
