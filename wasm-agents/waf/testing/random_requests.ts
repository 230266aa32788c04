/** Requests put together at random: heads as bytes that the proxy's own parser reads, and bodies of every type, spoilt or not. */

import { ProxyError } from "../../../src/core/errors.ts";
import { RequestHeadParser } from "../../../src/http1/request_head.ts";
import type { SeededRandom } from "../../../tests/support/mutations.ts";
import type { WafRequest } from "./waf_agent.ts";

const LIMITS = {
  targetBytesMax: 65_536,
  headerBytesMax: 262_144,
  headerCountMax: 200,
  headerNameBytesMax: 1024,
  headerValueBytesMax: 65_536,
};

/** What values are made of. */
const PIECES = [
  ..."a b ab aab 1 0 42 -7 select union %41 %2541 %u0041 %00 %ff + & = ; <script> onload= ' \" -- /* */ ../ \\ \\x41 \\u0041"
    .split(" "),
  ..."&lt; &#x41; 0x41 $( ` | PHA+ 4111111111111111 %C3%A9 %0d%0a // . .. [ ] { } , : # ! @ ~ ^ * ?".split(
    " ",
  ),
  " ",
  "\t",
  "é",
];

/** What spoils a body. */
const SPOIL = [
  "\r\n",
  "\n",
  "\0",
  '"',
  "--B",
  "--B--",
  "<",
  "</",
  ">",
  "&",
  "<!DOCTYPE a [",
  "]]>",
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  "\\",
  "\\u12",
  ";",
  "=",
  "%",
  "\xff",
  " ",
];

const TYPES = {
  form: ["application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-8"],
  multipart: ["multipart/form-data; boundary=B", 'multipart/form-data; boundary="B"', "multipart/form-data"],
  json: ["application/json", "application/ld+json; x=y"],
  xml: ["text/xml", "application/soap+xml"],
  other: ["text/plain", "application/octet-stream", "", "a/b/c;;"],
} as const;

/** A request whose body is bytes. */
export interface RandomRequest {
  readonly target: string;
  readonly parts: WafRequest & { readonly body: Uint8Array };
}

/** Puts requests together. */
export class RandomRequests {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  /** A request that the proxy's parser takes. */
  request(): RandomRequest {
    for (;;) {
      const made = this.#parsed();
      if (made !== undefined) return made;
    }
  }

  /** Cuts bytes into pieces, some of them empty. */
  pieces(bytes: Uint8Array): Uint8Array[] {
    const cuts = Array.from({ length: this.#random.below(5) }, () => this.#random.below(bytes.length + 1));
    const places = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    return places.slice(1).map((to, index) => bytes.subarray(places[index]!, to));
  }

  /** Some text of a response. */
  text(): string {
    return this.#value(20);
  }

  #parsed(): RandomRequest | undefined {
    const random = this.#random;
    const hasBody = random.below(4) > 0;
    const kind = random.pick(["form", "multipart", "json", "xml", "other"] as const);
    const body = hasBody ? latin1(this.#body(kind)) : new Uint8Array(0);
    const type = random.pick(TYPES[random.below(12) === 0 ? "other" : kind]);
    const lines = [
      `${random.pick(["GET", "POST", "PUT", "x-Y"])} ${this.#target()} HTTP/1.1`,
      "Host: a.test",
      ...(hasBody ? [`Content-Type: ${type}`, `Content-Length: ${body.length}`] : []),
      ...Array.from(
        { length: random.below(4) },
        () => `${random.pick(["Cookie", "X-Y", "User-Agent", "Referer"])}: ${this.#field()}`,
      ),
    ];
    let head = `${lines.join("\r\n")}\r\n\r\n`;
    if (random.below(4) === 0) {
      const at = random.below(head.length - 4);
      head = head.slice(0, at) + random.pick(PIECES) + head.slice(at + random.below(2));
    }
    const bytes = latin1(head);
    try {
      const parsed = new RequestHeadParser(LIMITS).parse(bytes, 0, bytes.length);
      if (parsed === undefined) return undefined;
      const headers: Record<string, string[]> = {};
      for (const [name, value] of parsed.head.headers) (headers[name] ??= []).push(value);
      return {
        target: parsed.head.target,
        parts: { method: parsed.head.method, host: parsed.head.host, headers, body },
      };
    } catch (error) {
      if (error instanceof ProxyError) return undefined;
      throw error;
    }
  }

  #target(): string {
    const random = this.#random;
    const path = `/${random.pick(["", "a/b", "index.php", "%2e%2e/", "a//b"])}`;
    return (random.below(3) === 0 ? path : `${path}?${this.#form()}`).replace(/[^!-~]/g, "%20");
  }

  #field(): string {
    return this.#random.below(2) === 0 ? `a=${this.#value(4)}; b=${this.#value(4)}` : this.#value(8);
  }

  #form(): string {
    const random = this.#random;
    return Array.from(
      { length: random.below(8) },
      () => `${random.pick(["a", "b", "id", "n_a", this.#value(2)])}=${this.#value(8)}`,
    ).join("&");
  }

  #value(most: number): string {
    const random = this.#random;
    const count = random.below(30) === 0 ? 40 * most : random.below(most + 1);
    return Array.from({ length: count }, () => random.pick(PIECES)).join("");
  }

  #body(kind: keyof typeof TYPES): string {
    const random = this.#random;
    let text = kind === "form"
      ? this.#form()
      : kind === "multipart"
      ? this.#multipart()
      : kind === "json"
      ? JSON.stringify(this.#json(5))
      : kind === "xml"
      ? this.#xml(4)
      : this.#value(30);
    for (let count = random.below(3) === 0 ? 1 + random.below(4) : 0; count > 0; count--) {
      const at = random.below(text.length + 1);
      text = text.slice(0, at) + random.pick(SPOIL) + text.slice(at + random.below(3));
    }
    return text;
  }

  #multipart(): string {
    const random = this.#random;
    const parts = Array.from({ length: random.below(6) }, () => {
      const file = random.below(3) === 0 ? `; filename="${random.pick(["x.php", "a'b", "é", ""])}"` : "";
      const extra = random.below(4) === 0 ? `X-Y: ${this.#value(3)}\r\n` : "";
      return `--B\r\nContent-Disposition: form-data; name="${
        random.pick(["a", "b", 'q\\"'])
      }"${file}\r\n${extra}\r\n${this.#value(10)}\r\n`;
    });
    return `${parts.join("")}--B--\r\n`;
  }

  #json(depth: number): unknown {
    const random = this.#random;
    const kind = random.below(depth > 0 ? 8 : 4);
    if (kind < 4) return [null, random.below(1000) / 7, this.#value(6), random.below(2) === 0][kind];
    const values = Array.from({ length: random.below(5) }, () => this.#json(depth - 1));
    if (kind < 6) return values;
    return Object.fromEntries(values.map((value) => [random.pick(["a", "b", this.#value(3)]), value]));
  }

  #xml(depth: number): string {
    const random = this.#random;
    const inner = depth === 0
      ? this.#value(5).replace(/[<&]/g, "")
      : Array.from({ length: random.below(4) }, () => this.#xml(depth - 1)).join(
        random.pick(["", "text", "<!-- c -->", "&#65;", "<![CDATA[<x>]]>"]),
      );
    return `<a b="${this.#value(2).replace(/[<&"]/g, "")}">${inner}</a>`;
  }
}

function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (unit) => unit.charCodeAt(0) & 0xff);
}
