/** Requests built to hurt regular expressions and tokenisers: 8 KB each, made from a seed. */

import { bytesOf } from "../support/raw_client.ts";

/** Bytes of payload in each request. */
export const ADVERSARIAL_BYTES = 8 * 1024;

/** Pieces that expressions for attacks begin with, repeat, or wait for in vain. */
const PIECES = [
  ..."aA0 \t'\"`<>()[]{};:=&|$\\/*#-+%!,.~^@_?\n",
  ...["' or ", "1=1 ", "union ", "select ", " from ", "/*", "*/", "--", "/*!", "0x41", "sleep(", "char("],
  ...["<script", "<svg ", "onload=", "javascript:", "&#x41;", "\\u0041", "\\x41", "style=", "expression("],
  ...["../", "..\\", "/etc/", "passwd", "%2e", "%252e", "php://", "http://", "file:", "C:\\", "\0"],
  ...["$(", "${", "`id`", "cat ", ";ls ", "||", "&&", "$IFS", "/bin/sh", "c'a't", "c\\at", "{a,b}", ">&1"],
  ...["<?php ", "system(", "$_GET[", "$a$b", "eval(", "base64_decode(", "{{", "}}", "<%=", "#{", "*{"],
  ...[
    "java.lang.",
    "Runtime",
    "getClass",
    "${jndi:",
    "rO0AB",
    "a:1:{",
    'O:8:"',
    "[$ne]",
    "$where",
    "__proto__",
  ],
  ...["é", "\u{1F600}", "\u00ff", "%c0%ae", "%u0041", "%%%", "+", "aaaaaaaa", '""""', "((((((((", "a=a&"],
];

/** Where the payload goes. */
const PLACES = [
  "query",
  "argument",
  "form",
  "many arguments",
  "json",
  "cookie",
  "header",
  "path",
  "multipart",
] as const;

/** Numbers from a seed (mulberry32). */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) % below;
  };
}

/** Request number `index` of the family that `seed` stands for; the same every time. */
export function adversarialRequest(seed: number, index: number): Uint8Array<ArrayBuffer> {
  const random = seeded(seed * 1_000_003 + index);
  const payload = makePayload(random);
  return place(payload, PLACES[index % PLACES.length]!);
}

/** One of: a run of one piece, a period of few pieces, a soup of all; with a tail that spoils a match. */
function makePayload(random: (below: number) => number): string {
  const pick = () => PIECES[random(PIECES.length)]!;
  const style = random(4);
  const period = Array.from({ length: style === 0 ? 1 : 2 + random(5) }, pick).join("");
  let text = style === 3 ? "" : Array.from({ length: random(3) }, pick).join("");
  while (text.length < ADVERSARIAL_BYTES - 16) text += style === 3 ? pick() : period;
  return text.slice(0, ADVERSARIAL_BYTES - 16) + pick();
}

function place(payload: string, where: typeof PLACES[number]): Uint8Array<ArrayBuffer> {
  const get = (target: string, headers = "") =>
    bytesOf(`GET ${target} HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0\r\n${headers}\r\n`);
  const post = (type: string, body: string) =>
    new Uint8Array([
      ...bytesOf(
        `POST /form HTTP/1.1\r\nHost: shop.example.com\r\nUser-Agent: Mozilla/5.0\r\nContent-Type: ${type}\r\n` +
          `Content-Length: ${new TextEncoder().encode(body).length}\r\n\r\n`,
      ),
      ...new TextEncoder().encode(body),
    ]);
  // Servers bound the request line and headers, so those places take what fits.
  const short = percentEncoded(payload.slice(0, 2000)).slice(0, 6000).replace(/%[0-9A-F]?$/, "");
  switch (where) {
    case "query":
      return get(`/?${short}`);
    case "argument":
      return get(`/?a=${short}`);
    case "path":
      return get(`/${short}`);
    case "cookie":
      return get("/", `Cookie: a=${short}\r\n`);
    case "header":
      return get("/", `Referer: https://x.example/${short}\r\n`);
    case "form":
      return post("application/x-www-form-urlencoded", `a=${percentEncoded(payload)}`);
    case "many arguments":
      return post(
        "application/x-www-form-urlencoded",
        payload.match(/[^]{1,40}/g)!.map((each, index) => `a${index}=${percentEncoded(each)}`).join("&"),
      );
    case "json":
      return post("application/json", JSON.stringify({ a: payload, b: [payload.slice(0, 100)] }));
    case "multipart":
      return post(
        "multipart/form-data; boundary=xx",
        `--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n${payload}\r\n--xx--\r\n`,
      );
  }
}

/** Everything but letters and digits; half a character, where a payload was cut, becomes the sign for that. */
function percentEncoded(text: string): string {
  let encoded = "";
  for (const byte of new TextEncoder().encode(text)) {
    const character = String.fromCharCode(byte);
    encoded += /[A-Za-z0-9]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return encoded;
}
