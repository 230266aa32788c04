/** Where the parsers of bodies put what they find. */

import { Bytes } from "sentinel/text";

/** Receives the parts of a body. Spans point into the body or into memory of the call. */
export abstract class ArgSink {
  /** An argument: a field of a form, or a value of JSON by its path. */
  abstract arg(name: Bytes, value: Bytes): void;
  /** Whether the names of further arguments still count; false when those are only looked at all together. */
  abstract wantsNames(): bool;
  /** An uploaded file: its field, the name that the client gave it, and its bytes. */
  abstract file(field: Bytes, fileName: Bytes, size: i32, content: Bytes): void;
  /** A header line of a part of multipart/form-data, `Name: value` without its line end. */
  abstract partHeader(part: Bytes, line: Bytes): void;
  /** A piece of the text of an XML document, in order. */
  abstract xmlText(value: Bytes): void;
  /** The value of an attribute of an XML document. */
  abstract xmlAttribute(value: Bytes): void;
  abstract cookie(name: Bytes, value: Bytes): void;
}
