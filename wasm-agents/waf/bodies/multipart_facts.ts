/** What is known of a multipart body besides its parts. */

import { Bytes } from "sentinel/text";

/** Things that honest clients do not do, by the names that rules know (`MULTIPART_…`). */
export class MultipartFlag {
  static readonly BOUNDARY_QUOTED: u32 = 1;
  static readonly BOUNDARY_WHITESPACE: u32 = 2;
  static readonly DATA_BEFORE: u32 = 4;
  static readonly DATA_AFTER: u32 = 8;
  static readonly HEADER_FOLDING: u32 = 16;
  static readonly INVALID_HEADER_FOLDING: u32 = 32;
  static readonly LF_LINE: u32 = 64;
  static readonly CRLF_LINE: u32 = 128;
  static readonly MISSING_SEMICOLON: u32 = 256;
  static readonly INVALID_QUOTING: u32 = 512;
  static readonly INVALID_PART: u32 = 1024;
  static readonly FILE_LIMIT_EXCEEDED: u32 = 2048;
  static readonly UNMATCHED_BOUNDARY: u32 = 4096;
}

/** Flags of which each makes a body one that servers may read in different ways. */
const STRICT: u32 = MultipartFlag.BOUNDARY_QUOTED |
  MultipartFlag.BOUNDARY_WHITESPACE |
  MultipartFlag.DATA_BEFORE | MultipartFlag.DATA_AFTER |
  MultipartFlag.HEADER_FOLDING |
  MultipartFlag.INVALID_HEADER_FOLDING | MultipartFlag.LF_LINE |
  MultipartFlag.MISSING_SEMICOLON |
  MultipartFlag.INVALID_QUOTING | MultipartFlag.INVALID_PART |
  MultipartFlag.FILE_LIMIT_EXCEEDED;

/** The outcome of reading a multipart body. */
export class MultipartFacts {
  flags: u32 = 0;
  /** Why it cannot be read to its end; null when it can. */
  problem: Bytes | null = null;

  set(flag: u32): void {
    this.flags |= flag;
  }

  has(flag: u32): bool {
    return (this.flags & flag) != 0;
  }

  /** `MULTIPART_STRICT_ERROR`. */
  get isStrictError(): bool {
    return this.problem !== null || (this.flags & STRICT) != 0;
  }

  /** `MULTIPART_CRLF_LF_LINES`: lines of both kinds. */
  get hasBothLineEnds(): bool {
    return this.has(MultipartFlag.LF_LINE) && this.has(MultipartFlag.CRLF_LINE);
  }
}
