import { HeaderList } from "../core/headers.ts";

const SPACE = 0x20;
const TAB = 0x09;

/**
 * The header lines of a head once more, from the byte string that `HeaderList.source` is: each as it was received,
 * with its own spelling, whatever has become of the list since. The head must have been checked by `HeadLines`.
 */
export function receivedLines(source: string): HeaderList {
  const list = new HeaderList(source);
  let from = source.indexOf("\r\n") + 2;
  while (from < source.length) {
    const lineEnd = source.indexOf("\r\n", from);
    const colon = source.indexOf(":", from);
    const name = source.slice(from, colon);
    let start = colon + 1;
    let end = lineEnd;
    while (start < end && isBlank(source.charCodeAt(start))) start++;
    while (end > start && isBlank(source.charCodeAt(end - 1))) end--;
    list.appendRead(name, name.toLowerCase());
    list.placeLast(start, end, -1);
    from = lineEnd + 2;
  }
  return list;
}

function isBlank(unit: number): boolean {
  return unit === SPACE || unit === TAB;
}
