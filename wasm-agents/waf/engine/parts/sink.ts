/** stub */
import { Bytes } from "sentinel";
export abstract class ArgSink {
  abstract arg(name: Bytes, value: Bytes): void;
  abstract file(field: Bytes, fileName: Bytes, size: i32, content: Bytes): void;
  abstract partHeader(part: Bytes, line: Bytes): void;
  abstract xmlText(v: Bytes): void;
  abstract xmlAttribute(v: Bytes): void;
  abstract cookie(name: Bytes, value: Bytes): void;
}
