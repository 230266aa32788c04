import { HeaderList } from "../core/headers.ts";
import type { HeadLimits } from "../http1/head_lines.ts";
import type { FieldHandling, FieldSink } from "./hpack_decoder.ts";
import type { Field } from "./hpack_fields.ts";

/** Which rules a header block is read by (RFC 9113 §8.1, §8.3). */
export type BlockKind = "request" | "response" | "trailers";

/** Octets of a line that are neither name nor value, so that a bound means the same as in HTTP/1.1. */
const LINE_EXTRA_BYTES = 4;

/**
 * One decoded header block, checked field by field. What breaks a rule is remembered rather than thrown, as
 * the rest of the block must be decoded all the same.
 */
export class HeaderBlock implements FieldSink {
  readonly kind: BlockKind;
  /** It ends its sender's part of the stream. */
  readonly isLast: boolean;
  readonly headers: HeaderList = new HeaderList();
  /** Pseudo header fields; undefined while they have not come. */
  method: string | undefined = undefined;
  scheme: string | undefined = undefined;
  authority: string | undefined = undefined;
  path: string | undefined = undefined;
  status: string | undefined = undefined;
  /** The first rule that was broken. */
  problem: string | undefined = undefined;
  /** The first bound that was passed; fields from there on were dropped. */
  excess: string | undefined = undefined;

  readonly #limits: HeadLimits;
  #bytes = 0;
  #cookies = 0;

  constructor(kind: BlockKind, init: { readonly isLast: boolean; readonly limits: HeadLimits }) {
    this.kind = kind;
    this.isLast = init.isLast;
    this.#limits = init.limits;
  }

  field(field: Field, handling: FieldHandling): void {
    if (this.problem !== undefined || this.excess !== undefined) return;
    switch (field.role) {
      case "plain":
        break;
      case "pseudo":
        return this.#pseudo(field);
      case "malformed":
        this.problem = "a header field has a name or value that is not allowed";
        return;
      case "forbidden":
        this.problem = `"${field.name}" has no place in HTTP/2`;
        return;
      case "te":
        if (field.value.toLowerCase() !== "trailers") this.problem = 'TE may only say "trailers"';
        break;
      case "cookie":
        this.#cookies++;
        break;
    }
    this.#append(field, handling);
  }

  /** Called after the last field: crumbs of a cookie become one again (RFC 9113 §8.2.3). */
  finish(): void {
    if (this.#cookies > 1) {
      this.headers.setKeyed("cookie", "cookie", this.headers.getAll("cookie").join("; "));
    }
  }

  #append(field: Field, handling: FieldHandling): void {
    const limits = this.#limits;
    const { name, value } = field;
    this.#bytes += name.length + value.length + LINE_EXTRA_BYTES;
    if (this.headers.size >= limits.headerCountMax) {
      this.excess = `more than ${limits.headerCountMax} header fields`;
    } else if (name.length > limits.headerNameBytesMax) {
      this.excess = `a header name is longer than ${limits.headerNameBytesMax} bytes`;
    } else if (value.length > limits.headerValueBytesMax) {
      this.excess = `a header value is longer than ${limits.headerValueBytesMax} bytes`;
    } else if (this.#bytes > limits.headerBytesMax) {
      this.excess = `the header block is longer than ${limits.headerBytesMax} bytes`;
    } else {
      this.headers.appendKeyed(name, name, value);
      if (handling === "secret") (this.headers.neverIndexed ??= new Set()).add(name);
    }
  }

  #pseudo({ name, value }: Field): void {
    if (this.headers.size > 0) this.problem = "a pseudo header field follows others";
    else if (!this.#setPseudo(name, value)) this.problem = `"${name}" is not allowed here, or stands twice`;
  }

  /** False when the field does not belong into such a block, or has come before. */
  #setPseudo(name: string, value: string): boolean {
    if (this.kind === "response") {
      if (name !== ":status" || this.status !== undefined) return false;
      this.status = value;
      return true;
    }
    if (this.kind === "trailers") return false;
    switch (name) {
      case ":method":
        if (this.method !== undefined) return false;
        this.method = value;
        return true;
      case ":scheme":
        if (this.scheme !== undefined) return false;
        this.scheme = value;
        return true;
      case ":authority":
        if (this.authority !== undefined) return false;
        this.authority = value;
        return true;
      case ":path":
        if (this.path !== undefined) return false;
        this.path = value;
        return true;
      default:
        return false;
    }
  }
}
