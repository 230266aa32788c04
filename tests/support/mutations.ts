/** Valid requests and seeded ways to spoil them. */

/** A reproducible stream of numbers (mulberry32, Tommy Ettinger, public domain). */
export class SeededRandom {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A uniform integer in [0, below). */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor(((t ^ (t >>> 14)) >>> 0) / 2 ** 32 * below);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

/** The seed of every random case: the same in each run, unless `SEED` names another one (`random`: a fresh one). */
export function seedFromEnvironment(): number {
  const seed = Deno.env.get("SEED") ?? "20261122";
  return seed === "random" ? Math.floor(Math.random() * 2 ** 32) : Number(seed);
}

const HOST = "Host: example.test\r\n";

/** Requests that must be answered 200 as they stand. */
export const VALID_REQUESTS: readonly string[] = [
  `GET / HTTP/1.1\r\n${HOST}\r\n`,
  `GET /a/b?c=d&e=%20f HTTP/1.1\r\n${HOST}User-Agent: mutant\r\nAccept: */*\r\n\r\n`,
  `HEAD /a HTTP/1.1\r\n${HOST}\r\n`,
  `POST /p HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
  `POST /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3;x=y\r\nabc\r\n0\r\n\r\n`,
  `PUT /p HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Trailer: b\r\n\r\n`,
  `OPTIONS /o HTTP/1.1\r\n${HOST}Max-Forwards: 5\r\n\r\n`,
  `DELETE /d HTTP/1.1\r\n${HOST}Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\n\r\n`,
  `GET http://example.test/abs HTTP/1.1\r\n${HOST}\r\n`,
  `GET /old HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`,
  `GET /1 HTTP/1.1\r\n${HOST}\r\nGET /2 HTTP/1.1\r\n${HOST}\r\nPOST /3 HTTP/1.1\r\n${HOST}Content-Length: 2\r\n\r\nok`,
];

const TOKENS = [
  "\r\n",
  "\n",
  "\r",
  "\0",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "chunked",
  "Transfer-Encoding: chunked\r\n",
  "Content-Length: 3\r\n",
  "Content-Length: 99999999999999999999\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "Host: other.test\r\n",
  "0\r\n\r\n",
  "ffffffffffffffff",
  "HTTP/1.1",
  "HTTP/2.0",
  "GET / HTTP/1.1\r\n",
  "%00",
  "%2e%2e/",
  "\xff\xfe",
  "A".repeat(300),
  "X: y\r\n".repeat(150),
];

/** `text` with one random change. */
function mutateOnce(text: string, random: SeededRandom): string {
  const at = random.below(text.length + 1);
  const to = Math.min(text.length, at + 1 + random.below(20));
  switch (random.below(9)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    case 1:
      return text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at);
    case 2:
      return text.slice(0, at) + text.slice(to);
    case 3:
      return text.slice(0, to) + text.slice(at);
    case 4:
      return text.slice(0, at);
    case 5:
      return text.slice(0, at) + random.pick(TOKENS) + text.slice(at);
    case 6:
      return text.slice(0, at) + text.slice(at, to).toUpperCase() + text.slice(to);
    case 7: {
      const lines = text.split("\r\n");
      const [i, j] = [random.below(lines.length), random.below(lines.length)];
      [lines[i], lines[j]] = [lines[j]!, lines[i]!];
      return lines.join("\r\n");
    }
    default:
      return text.slice(0, at) + random.pick(VALID_REQUESTS).slice(random.below(30)) + text.slice(at);
  }
}

/** A valid request with one to four changes. */
export function mutant(random: SeededRandom): string {
  let text = random.pick(VALID_REQUESTS);
  for (let i = 1 + random.below(4); i > 0; i--) text = mutateOnce(text, random);
  return text;
}
