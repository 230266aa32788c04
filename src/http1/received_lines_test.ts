import { deepEqual, equal } from "node:assert/strict";
import fc from "../../tests/support/seeded_check.ts";
import { HEAD_LIMITS } from "../../tests/support/head_limits.ts";
import { bytesOf } from "../../tests/support/raw_client.ts";
import { receivedLines } from "./received_lines.ts";
import { RequestHeadParser } from "./request_head.ts";

function parsed(head: string) {
  const bytes = bytesOf(head);
  return new RequestHeadParser(HEAD_LIMITS).parse(bytes, 0, bytes.length)!.head.headers;
}

Deno.test("received lines: as they stood on the wire, but for the space around values", () => {
  const headers = parsed(
    "\r\nGET /?a:b HTTP/1.1\r\nhOST:a.test\r\nX-Empty:\r\nX-Blank: \t \r\nx-a: 1: 2\r\nX-A:\t\xe4 \t\xff \r\n\r\n",
  );
  headers.set("x-a", "changed");
  headers.remove("host");
  headers.append("Added", "1");
  const lines = receivedLines(headers.source);
  deepEqual([...lines], [["hOST", "a.test"], ["X-Empty", ""], ["X-Blank", ""], ["x-a", "1: 2"], [
    "X-A",
    "\xe4 \t\xff",
  ]]);
  equal(lines.joined("x-a"), "1: 2, \xe4 \t\xff");
  equal(lines.lineStart(0), -1, "none can be written as it stands");
});

Deno.test("received lines: none", () => {
  deepEqual([...receivedLines(parsed("GET / HTTP/1.0\r\n\r\n").source)], []);
});

Deno.test("received lines: the same as those that were parsed", () => {
  const name = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}$/).filter((text) =>
    !/^(?:host|content-length|transfer-encoding|expect)$/i.test(text)
  );
  const value = fc.stringMatching(/^[\t\x20-\x7e\x80-\xff]{0,30}$/);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.constantFrom(":", ": ", ":\t "), value), { maxLength: 20 }),
      (lines) => {
        const head = `GET / HTTP/1.1\r\nHost: a\r\n${
          lines.map((line) => `${line.join("")}\r\n`).join("")
        }\r\n`;
        const headers = parsed(head);
        const received = receivedLines(headers.source);
        const values = (list: typeof headers) =>
          Array.from({ length: list.size }, (_, i) => [list.keyAt(i), list.valueAt(i)]);
        deepEqual(values(received), values(headers));
        deepEqual(Array.from(received, ([each]) => each), ["Host", ...lines.map(([each]) => each)]);
      },
    ),
  );
});
