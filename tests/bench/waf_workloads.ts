/** Requests for measuring firewalls. */

import { readSuite, type Stage } from "../conformance/crs/suite.ts";
import { bytesOf, textOf } from "../support/raw_client.ts";

const BODY_BYTES = 10 * 1024;

/** Attack requests taken of the regression suite, evenly spread over it. */
const ATTACKS = 300;

const BROWSER = `Host: shop.example.com\r
User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r
Accept-Language: en-GB,en;q=0.9,de;q=0.8\r
Accept-Encoding: gzip, deflate, br\r
Referer: https://shop.example.com/catalogue/shoes?page=1&sort=price\r
Connection: keep-alive\r
Cookie: _ga=GA1.2.1234567890.1700000000; session=5f8a9c3b7e1d4f605f8a9c3b7e1d4f60; consent=necessary.statistics\r
`;

/**
 * A GET as a browser sends it: 8 headers, 3 cookies, 4 arguments. None of its values has a sign that level 4
 * would not have.
 */
export function cleanGet(): Uint8Array<ArrayBuffer> {
  const query = "query=running-shoes-for-women&category=sports.outdoor&sort=price-ascending&page=2";
  return bytesOf(`GET /catalogue/shoes?${query} HTTP/1.1\r\n${BROWSER}\r\n`);
}

/** An order of many lines as JSON, 10 KB. */
export function jsonPost(): Uint8Array<ArrayBuffer> {
  const items: unknown[] = [];
  const body = () => JSON.stringify({ customer: 48213, currency: "EUR", items });
  for (let i = 0; body().length < BODY_BYTES; i++) {
    items.push({
      sku: `A${1000 + i}`,
      name: `Running shoe model ${i}`,
      size: 36 + i % 12,
      price: 59.9,
      gift: i % 7 === 0,
    });
  }
  return post("/api/orders", "application/json", body());
}

/** A long form, 10 KB of short fields and prose. */
export function formPost(): Uint8Array<ArrayBuffer> {
  const prose = "We had a good time at the lake and will come back next summer with the whole family";
  let body = "title=Our+stay";
  for (let i = 0; body.length < BODY_BYTES; i++) body += `&field${i}=${prose.replaceAll(" ", "+")}`;
  return post("/guestbook", "application/x-www-form-urlencoded", body);
}

function post(path: string, type: string, body: string): Uint8Array<ArrayBuffer> {
  return bytesOf(
    `POST ${path} HTTP/1.1\r\n${BROWSER}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

/**
 * Attacks of the regression suite: requests that some rule of an attack class is to match. They are sent on
 * kept connections, so what ends a connection or never ends is left out.
 */
export function attacks(folder: string): Uint8Array<ArrayBuffer>[] {
  const stages = readSuite(folder).filter(({ ruleId }) => ruleId >= 930_000 && ruleId < 950_000)
    .flatMap((test) => test.stages).filter(isAttack);
  const step = Math.max(1, stages.length / ATTACKS);
  const chosen: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < stages.length; at += step) chosen.push(kept(stages[Math.floor(at)]!));
  return chosen;
}

function isAttack({ bytes, isHead, expectation }: Stage): boolean {
  if (expectation.expectIds.length === 0 || expectation.statuses.length > 0 || isHead) return false;
  const text = textOf(bytes);
  const head = text.slice(0, text.indexOf("\r\n\r\n"));
  if (!/^(GET|POST) [!-~]+ HTTP\/1\.1\r\n/.test(text) || /transfer-encoding|expect:/i.test(head)) {
    return false;
  }
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
  return text.length === head.length + 4 + length;
}

function kept({ bytes }: Stage): Uint8Array<ArrayBuffer> {
  return bytesOf(textOf(bytes).replace(/\r\nconnection: close/i, "\r\nConnection: keep-alive"));
}
