/** Requests for measuring firewalls. */

import { readSuite, type Stage } from "../conformance/crs/suite.ts";
import { bytesOf, textOf } from "../support/raw_client.ts";

const BODY_BYTES = 10 * 1024;

/** Attack requests taken of the regression suite, evenly spread over it. */
const ATTACKS = 1500;

/** Different requests of a workload that is clean; of those with bodies. */
const VISITS = 1000;
const POSTS = 60;

const SEED = 6;

const ENGINES = [
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
  "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1",
  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
  "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
  "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
];
const LANGUAGES = ["en-GB,en;q=0.9,de;q=0.8", "en-US,en;q=0.9", "de-DE,de;q=0.9,en;q=0.7", "fr-FR,fr;q=0.9"];
const SECTIONS = ["shoes", "jackets", "bags", "watches", "lamps", "chairs", "books", "games"];
const ORDERS = ["price-ascending", "price-descending", "newest", "rating"];
const WORDS =
  "running hiking winter summer light warm soft wide narrow leather cotton wool green blue brown small large classic modern simple"
    .split(" ");

/** Numbers that are the same in every run (Park and Miller, 1988). */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed * 7919 % 2147483647;
  }

  below(limit: number): number {
    this.#state = this.#state * 48271 % 2147483647;
    return this.#state % limit;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  digits(length: number, base: number): string {
    return Array.from({ length }, () => this.below(base).toString(base)).join("");
  }

  words(count: number, between: string): string {
    return Array.from({ length: count }, () => this.of(WORDS)).join(between);
  }
}

/** What a browser sends with every request: 8 headers, 3 cookies. None of its values has a sign that level 4 would not have. */
function browser(dice: Dice): string {
  const referer = `https://shop.example.com/catalogue/${dice.of(SECTIONS)}?page=${dice.below(90)}&sort=price`;
  const cookies = `_ga=GA1.2.${dice.digits(10, 10)}.17${dice.digits(8, 10)}; session=${
    dice.digits(32, 16)
  }; consent=necessary.statistics`;
  return `Host: shop.example.com\r
User-Agent: ${dice.of(ENGINES)}\r
Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8\r
Accept-Language: ${dice.of(LANGUAGES)}\r
Accept-Encoding: gzip, deflate, br\r
Referer: ${referer}\r
Connection: keep-alive\r
Cookie: ${cookies}\r
`;
}

/** GETs as browsers send them, with 4 arguments, each of another visitor who looks for something else. */
export function cleanGets(): Uint8Array<ArrayBuffer>[] {
  const dice = new Dice(SEED);
  return Array.from({ length: VISITS }, () => {
    const query = `query=${dice.words(3, "-")}&category=${dice.of(SECTIONS)}.${dice.of(WORDS)}&sort=${
      dice.of(ORDERS)
    }&page=${dice.below(90)}`;
    return bytesOf(`GET /catalogue/${dice.of(SECTIONS)}?${query} HTTP/1.1\r\n${browser(dice)}\r\n`);
  });
}

/** One of them. */
export function cleanGet(): Uint8Array<ArrayBuffer> {
  return cleanGets()[0]!;
}

/** Orders of many lines as JSON, 10 KB each. */
export function jsonPosts(): Uint8Array<ArrayBuffer>[] {
  const dice = new Dice(SEED);
  return Array.from({ length: POSTS }, () => {
    const items: unknown[] = [];
    const customer = dice.below(100_000);
    const body = () => JSON.stringify({ customer, currency: "EUR", items });
    while (body().length < BODY_BYTES) {
      items.push({
        sku: `A${dice.digits(6, 10)}`,
        name: dice.words(4, " "),
        size: 36 + dice.below(12),
        price: dice.below(10_000) / 100,
        gift: dice.below(7) === 0,
      });
    }
    return post(dice, "/api/orders", ["application/json", body()]);
  });
}

/** Long forms, 10 KB of short fields and prose each. */
export function formPosts(): Uint8Array<ArrayBuffer>[] {
  const dice = new Dice(SEED);
  return Array.from({ length: POSTS }, () => {
    let body = "title=Our+stay";
    for (let i = 0; body.length < BODY_BYTES; i++) {
      body += `&field${i}=We+had+a+${dice.words(4, "+")}+time+and+will+come+back+next+${dice.words(5, "+")}`;
    }
    return post(dice, "/guestbook", ["application/x-www-form-urlencoded", body]);
  });
}

function post(dice: Dice, path: string, [type, body]: readonly [string, string]): Uint8Array<ArrayBuffer> {
  return bytesOf(
    `POST ${path} HTTP/1.1\r\n${
      browser(dice)
    }Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
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
