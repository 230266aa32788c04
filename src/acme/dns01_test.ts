import { deepEqual, equal, match, rejects } from "node:assert/strict";
import { AcmeRig } from "../../tests/support/acme_rig.ts";
import { Dns01 } from "./dns01.ts";
import type { DnsProvider, TxtRecord } from "./dns/provider.ts";

/** Answers a query for TXT with these texts: the question echoed, then the records. */
function txtReply(query: Uint8Array, texts: readonly string[]): Uint8Array {
  // The question ends before the OPT record of 11 bytes.
  const question = query.subarray(12, query.length - 11);
  const header = Uint8Array.of(query[0]!, query[1]!, 0x81, 0x80, 0, 1, 0, texts.length, 0, 0, 0, 0);
  const records = texts.map((text) => {
    const bytes = new TextEncoder().encode(text);
    return [0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, bytes.length + 1, bytes.length, ...bytes];
  });
  return Uint8Array.from([...header, ...question, ...records.flat()]);
}

const PROPAGATION = {
  propagation: { initialDelaySecs: 10, checkIntervalSecs: 5, timeoutSecs: 60, nameservers: ["192.0.2.53"] },
};

async function stage(options: { readonly showsAfterMs?: number; readonly failsAt?: number } = {}) {
  const rig = await AcmeRig.create();
  const records: TxtRecord[] = [];
  let looks = 0;
  const provider: DnsProvider = {
    add: (record) => {
      if (records.length === options.failsAt) return Promise.reject(new Error("quota"));
      records.push(record);
      return Promise.resolve(() => {
        records.splice(records.indexOf(record), 1);
        return Promise.resolve();
      });
    },
  };
  const startMs = rig.time.nowMs();
  const ports = {
    ...rig.ports(),
    datagrams: {
      exchange: ({ bytes, accept }: { bytes: Uint8Array; accept: (reply: Uint8Array) => boolean }) => {
        looks++;
        const isShown = rig.time.nowMs() - startMs >= (options.showsAfterMs ?? 0);
        equal(
          accept(txtReply(bytes, isShown ? ["other", ...records.map(({ value }) => value)] : ["other"])),
          true,
        );
        return Promise.resolve();
      },
    },
  };
  const solver = new Dns01({ provider, options: PROPAGATION, ports });
  return { rig, records, solver, looks: () => looks, startMs };
}

const PROOFS = [
  { domain: "example.org", token: "t1", keyAuthorization: "t1.key" },
  { domain: "example.org", token: "t2", keyAuthorization: "t2.key" },
];

Deno.test("dns-01: waits until every record shows, at its pace, and takes all away", async () => {
  const { rig, records, solver, startMs, looks } = await stage({ showsAfterMs: 32_000 });
  const remove = await rig.settled(solver.present(PROOFS, new AbortController().signal));
  deepEqual(records.map(({ name }) => name), ["_acme-challenge.example.org", "_acme-challenge.example.org"]);
  equal(new Set(records.map(({ value }) => value)).size, 2);
  equal(rig.time.nowMs() - startMs >= 32_000, true);
  equal(looks() <= 14, true, `${looks()} looks`);
  await remove();
  equal(records.length, 0);
});

Deno.test("dns-01: a record that never shows is a failure, with everything taken away", async () => {
  const { rig, records, solver } = await stage({ showsAfterMs: Infinity });
  await rejects(rig.settled(solver.present(PROOFS, new AbortController().signal)), (cause: Error) => {
    match(cause.message, /_acme-challenge\.example\.org does not show after 60 s \(there are 1 others\)/);
    return true;
  });
  equal(records.length, 0);
});

Deno.test("dns-01: when one record cannot be written, those before it are taken away", async () => {
  const { rig, records, solver } = await stage({ failsAt: 1 });
  await rejects(rig.settled(solver.present(PROOFS, new AbortController().signal)), /quota/);
  equal(records.length, 0);
});

Deno.test("dns-01: calling it off ends the wait at once", async () => {
  const { rig, records, solver } = await stage({ showsAfterMs: Infinity });
  const abort = new AbortController();
  const waiting = solver.present(PROOFS, abort.signal);
  await rig.until(() => records.length === 2);
  abort.abort(new Error("enough"));
  await rejects(waiting, /enough/);
  equal(records.length, 0);
  equal(rig.time.pending, 0);
});
