/** stub */
import { Bytes, Text } from "sentinel";
import { isWord } from "../../seclang/words";
const N: string[] = [
  "streq",
  "contains",
  "within",
  "beginsWith",
  "endsWith",
  "ipMatch",
  "detectSQLi",
  "detectXSS",
  "validateByteRange",
  "validateUrlEncoding",
  "validateUtf8Encoding",
];
export class Operator {
  matchedFrom: i32 = 0;
  matchedTo: i32 = 0;
  captured: Array<Bytes> | null = null;
  constructor(readonly id: i32, readonly arg: Text) {}
  test(value: Bytes): bool {
    return this.testWith(value, this.arg);
  }
  testWith(value: Bytes, a: Bytes): bool {
    if (this.id == 0) return value.equals(a);
    if (this.id == 1) return value.includes(a);
    if (this.id == 2) return a.includes(value);
    if (this.id == 3) return value.startsWith(a);
    if (this.id == 4) return value.endsWith(a);
    return false;
  }
}
export function operatorId(name: Text): i32 {
  for (let i = 0; i < N.length; i++) if (isWord(name, N[i])) return i;
  return -1;
}
export function operatorError(): Text {
  return Text.of("");
}
export function createOperator(
  id: i32,
  argument: Text,
  file: Bytes | null,
): Operator | null {
  return new Operator(id, argument);
}
