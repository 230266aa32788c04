/** Names of rule and data files. */

import { Bytes, Text } from "sentinel";

/** The folder of a file, with its slash; nothing when it has none. */
export function folderOf(file: string): string {
  const slash = file.lastIndexOf("/");
  return slash < 0 ? "" : file.substring(0, slash + 1);
}

/** Whether an `Include` in the file `from` means the file `name`: as it is, or from the folder of `from`. */
export function globMatches(pattern: Bytes, name: Text, from: string): bool {
  if (matches(pattern, 0, name, 0)) return true;
  const below = Text.of(folderOf(from) + pattern.toString());
  return matches(below, 0, name, 0);
}

/** `*` and `?` stand for anything but a slash. */
function matches(pattern: Bytes, p: i32, name: Bytes, n: i32): bool {
  for (; p < pattern.length; p++) {
    const byte = pattern.byteAt(p);
    if (byte == 0x2a) {
      for (let end = n; end <= name.length; end++) {
        if (matches(pattern, p + 1, name, end)) return true;
        if (end < name.length && name.byteAt(end) == 0x2f) break;
      }
      return false;
    }
    if (n >= name.length || (byte != name.byteAt(n) && byte != 0x3f)) {
      return false;
    }
    n++;
  }
  return n == name.length;
}
