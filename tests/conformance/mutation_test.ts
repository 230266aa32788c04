import { equal, ok } from "node:assert/strict";
import { mutant, SeededRandom, seedFromEnvironment, VALID_REQUESTS } from "../support/mutations.ts";
import { ProxyPair } from "../support/proxy_pair.ts";
import { exchange, parseResponses, RawClient } from "../support/raw_client.ts";

const COUNT = 10_000;
const CONCURRENT = 48;
/** Every tenth client keeps its side open, so that only the proxy's own time limits end it. */
const PATIENT_EVERY = 10;
const ANSWER_TIMEOUT_MS = 8000;
const POOLED_MAX = 64;

const LISTENER = `header-timeout-secs 0.5
        keepalive-timeout-secs 0.5
        request-timeout-secs 1`;

/** Statuses a spoilt request may be answered with; anything else, 500 above all, is a bug. */
const EXPECTED = new Set([
  100,
  200,
  204,
  400,
  404,
  405,
  408,
  413,
  414,
  417,
  431,
  501,
  502,
  503,
  504,
  505,
]);

/** Sends one mutant; what is wrong with the outcome, or undefined. */
async function attack(
  port: number,
  text: string,
  patient: boolean,
): Promise<string | undefined> {
  const client = await RawClient.connect(port);
  try {
    const sending = client.send(text);
    if (!patient) await sending.then(() => client.finishSending());
    const closed = await client.closedWithin(ANSWER_TIMEOUT_MS);
    if (!closed) return "neither answered to the end nor closed in time";
    await sending;
    // The method may have become HEAD or ceased to be it, which only the proxy knows; both readings are tried.
    const readings = [false, true].map((headOnly) =>
      parseResponses(client.received, { ended: true, headOnly })
    );
    const { responses } = readings.find(({ rest }) => rest.length === 0) ??
      readings[0]!;
    const odd = responses.find(({ status }) => !EXPECTED.has(status));
    if (odd) return `answered ${odd.status}`;
    if (client.received.length > 0 && responses.length === 0) {
      return "answered with something that is not HTTP";
    }
    // Empty lines, the last one maybe cut short, are no request, so nobody is owed an answer to them.
    const needsAnswer = patient &&
      text.replace(/^(\r\n)*\r?$/, "").replace(/^(\r\n)+/, "") !== "";
    return needsAnswer && responses.length === 0 ? "closed without an answer" : undefined;
  } finally {
    client.close();
  }
}

Deno.test("mutations: the unspoilt requests are answered 200", async (t) => {
  await using pair = await ProxyPair.start({ listener: LISTENER });
  for (const text of VALID_REQUESTS) {
    await t.step(JSON.stringify(text.slice(0, 50)), async () => {
      const { responses } = await exchange(pair.port, text, {
        timeoutMs: 3000,
        headOnly: text.startsWith("HEAD"),
      });
      ok(responses.length > 0);
      ok(
        responses.every(({ status }) => status === 200),
        responses.map(({ status }) => status).join(),
      );
    });
  }
});

Deno.test(`mutations: ${COUNT} spoilt requests, no crash, hang, leak or unanswered request`, async () => {
  const seed = seedFromEnvironment();
  console.log(`mutations: SEED=${seed}`);
  const random = new SeededRandom(seed);
  await using pair = await ProxyPair.start({ listener: LISTENER });
  const baseline = pair.sockets;
  const failures: string[] = [];
  let started = 0;
  const lane = async () => {
    while (started < COUNT && failures.length < 10) {
      const index = started++;
      const text = mutant(random);
      const problem = await attack(
        pair.port,
        text,
        index % PATIENT_EVERY === 0,
      );
      if (problem) {
        failures.push(`${problem}: ${JSON.stringify(text.slice(0, 600))}`);
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENT }, lane));
  if (failures.length > 0) {
    throw new Error(`SEED=${seed}\n${failures.join("\n")}`);
  }
  const { responses } = await exchange(pair.port, VALID_REQUESTS[0]!, {
    timeoutMs: 3000,
  });
  equal(responses[0]?.status, 200, "the proxy must still serve");
  ok(
    await pair.socketsSettle(baseline + POOLED_MAX),
    `${pair.sockets} sockets, ${baseline} at first`,
  );
});
