import { deepEqual, equal, match, ok } from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { directoryOf } from "./options.ts";
import type { RenewalOutcome } from "./managed_certificate.ts";
import { AcmeRig, httpTo } from "../../tests/support/acme_rig.ts";
import { AcmeServer, problem } from "../../tests/support/acme_server.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
const BUNDLE = "/s/domains/example.org/bundle.pem";

/** Why an attempt failed, with its reason in front; empty when it did not. */
function failureOf(outcome: RenewalOutcome | undefined): string {
  return outcome?.type === "failed" ? `${outcome.reason}: ${outcome.message}` : "";
}

function issuerOf(pem: string | undefined): string {
  return new X509Certificate(pem!).issuer;
}

Deno.test("acme: a stand-in first, then a certificate that the authority's root vouches for", async () => {
  const rig = await AcmeRig.create();
  const node = rig.node();
  const [first] = await node.manager.prepare([rig.options("", '"example.org" "www.example.org"')]);
  equal(first?.isStandIn, true);
  equal(new X509Certificate(rig.storage.files.get(BUNDLE)!).checkHost("www.example.org"), "www.example.org");
  node.manager.commit();
  await rig.until(() => node.outcomes.length === 1);
  deepEqual(node.outcomes, [{ type: "issued" }]);
  deepEqual(node.served.map(({ isStandIn }) => isStandIn), [false]);
  const bundle = rig.storage.files.get(BUNDLE)!;
  const leaf = new X509Certificate(bundle);
  equal(leaf.verify(new X509Certificate(rig.server.authority.root).publicKey), true);
  equal(leaf.subjectAltName, "DNS:example.org, DNS:www.example.org");
  match(bundle, /-----BEGIN PRIVATE KEY-----/);
  equal(rig.shown.size, 2);
  equal(rig.answers.size, 0, "proofs are taken away");
  const [state] = node.manager.states();
  equal(state!.issuer, "Test Root");
  equal(state!.isStandIn, false);
  await node.manager.stop();
  equal(rig.time.pending, 0);
});

Deno.test("acme: a certificate is kept over a restart and renewed in time, spread a little", async () => {
  const rig = await AcmeRig.create();
  await (await rig.serving(rig.options())).manager.stop();
  const node = rig.node();
  await node.manager.prepare([rig.options()]);
  node.manager.commit();
  const issuedMs = rig.time.wallMs();
  const [state] = node.manager.states();
  ok(state!.nextAttemptMs > issuedMs + 56 * DAY_MS && state!.nextAttemptMs <= issuedMs + 60 * DAY_MS);
  await rig.time.advance(state!.nextAttemptMs - issuedMs - HOUR_MS);
  equal(rig.server.issued.length, 1);
  await rig.until(() => node.outcomes.length === 1, HOUR_MS);
  equal(rig.server.issued.length, 2);
  equal(rig.server.accounts.length, 1, "the account is kept too");
  await node.manager.stop();
});

const KEYS = { "ecdsa-p256": "prime256v1", "ecdsa-p384": "secp384r1", "rsa-2048": 2048, "rsa-4096": 4096 };

Deno.test("acme: a key of each type", async () => {
  for (const [type, want] of Object.entries(KEYS)) {
    const rig = await AcmeRig.create();
    const node = await rig.serving(rig.options(`key-type "${type}"`));
    deepEqual(node.outcomes, [{ type: "issued" }]);
    const bundle = rig.storage.files.get(BUNDLE)!;
    const { publicKey } = new X509Certificate(bundle);
    const { namedCurve, modulusLength } = publicKey.asymmetricKeyDetails!;
    equal(typeof want === "number" ? modulusLength : namedCurve, want);
    equal(
      new X509Certificate(bundle).checkPrivateKey(
        createPrivateKey(bundle.slice(bundle.indexOf("-----BEGIN PRIVATE"))),
      ),
      true,
    );
    await node.manager.stop();
  }
});

Deno.test("acme: which directory is asked", () => {
  const own = "https://ca.test/directory";
  equal(
    directoryOf({ serverUrl: undefined, staging: false }),
    "https://acme-v02.api.letsencrypt.org/directory",
  );
  equal(
    directoryOf({ serverUrl: undefined, staging: true }),
    "https://acme-staging-v02.api.letsencrypt.org/directory",
  );
  equal(directoryOf({ serverUrl: own, staging: false }), own);
});

Deno.test("acme: a short-lived certificate is renewed by a third of its time, not all the time", async () => {
  const rig = await AcmeRig.create();
  rig.server.lifetimeMs = 6 * DAY_MS;
  const node = await rig.serving(rig.options());
  await rig.until(() => node.manager.states()[0]!.nextAttemptMs > 0);
  const leftMs = node.manager.states()[0]!.nextAttemptMs - rig.time.wallMs();
  ok(leftMs > 3.5 * DAY_MS && leftMs < 4.1 * DAY_MS, `${leftMs / DAY_MS} days`);
  await node.manager.stop();
});

Deno.test("acme: an authority that adds names, or is far behind our clock, is not asked in a loop", async () => {
  const rig = await AcmeRig.create();
  rig.server.issuesFor = ["example.org", "www.example.org"];
  const node = await rig.serving(rig.options());
  await rig.time.advance(2 * HOUR_MS);
  equal(rig.server.issued.length, 1);
  await node.manager.stop();

  const late = await AcmeRig.create();
  const lateMs = 80 * DAY_MS;
  const server = await AcmeServer.create({
    wallMs: () => late.time.wallMs() - lateMs,
    fetchProof: (_domain, path) => Promise.resolve(late.answers.get(path.split("/").pop()!) ?? "404"),
  });
  late.http = httpTo((request) => server.handle(request));
  const other = await late.serving(late.options());
  for (let minute = 0; minute < 115; minute++) await late.time.advance(60_000);
  await late.until(() => other.outcomes.length === 2, 60_000);
  equal(server.issued.length, 2, "at most one in an hour");
  await other.manager.stop();
});

Deno.test("acme: nonces that are refused are replaced, and every one is used once", async () => {
  const rig = await AcmeRig.create();
  rig.server.fault = (step, nth) => step === "newOrder" && nth <= 2 ? problem(400, "badNonce") : undefined;
  const node = await rig.serving(rig.options());
  deepEqual(node.outcomes, [{ type: "issued" }]);
  equal(rig.server.count("newOrder"), 3);
  await node.manager.stop();
});

Deno.test("acme: an authority that never takes a nonce is given up", async () => {
  const rig = await AcmeRig.create();
  rig.server.fault = (step) => step === "newOrder" ? problem(400, "badNonce") : undefined;
  const node = await rig.serving(rig.options());
  equal(node.outcomes[0]!.type, "failed");
  equal(rig.server.count("newOrder"), 5);
  await node.manager.stop();
});

Deno.test("acme: who is told to come later comes later, by seconds and by date, also after a restart", async () => {
  for (const form of ["seconds", "date"]) {
    const rig = await AcmeRig.create();
    rig.server.fault = (step) => {
      if (step !== "newOrder") return undefined;
      const later = new Date(rig.time.wallMs() + 5 * HOUR_MS).toUTCString();
      return problem(429, "rateLimited", { headers: { "retry-after": form === "date" ? later : "18000" } });
    };
    const node = await rig.serving(rig.options());
    const [outcome] = node.outcomes;
    match(failureOf(outcome), /^rate_limited: /);
    await node.manager.stop();
    const again = rig.node();
    await again.manager.prepare([rig.options()]);
    again.manager.commit();
    const waitMs = again.manager.states()[0]!.nextAttemptMs - rig.time.wallMs();
    ok(Math.abs(waitMs - 5 * HOUR_MS) < 60_000, `${form}: ${waitMs}`);
    equal(again.manager.states()[0]!.failuresInARow, 1);
    rig.server.fault = () => undefined;
    await rig.time.advance(4 * HOUR_MS);
    equal(rig.server.count("newOrder"), 1);
    await rig.until(() => again.outcomes.length === 1, 60_000);
    deepEqual(again.outcomes, [{ type: "issued" }]);
    await again.manager.stop();
  }
});

Deno.test("acme: what is pending for long is looked at patiently, as often as the authority says", async () => {
  const rig = await AcmeRig.create();
  rig.server.delay = 8;
  rig.server.retryAfter = "20";
  const startMs = rig.time.nowMs();
  const node = await rig.serving(rig.options());
  deepEqual(node.outcomes, [{ type: "issued" }]);
  ok(rig.time.nowMs() - startMs >= 16 * 20_000 - 60_000);
  ok(rig.server.count("authorization") <= 12);
  await node.manager.stop();
});

Deno.test("acme: what is pending for ever is given up, and proofs are taken away", async () => {
  const rig = await AcmeRig.create();
  rig.server.delay = Infinity;
  const node = await rig.serving(rig.options());
  const [outcome] = node.outcomes;
  match(failureOf(outcome), /not done within 10 minutes/);
  equal(rig.answers.size, 0);
  await node.manager.stop();

  const patient = await AcmeRig.create();
  patient.server.delay = Infinity;
  patient.server.retryAfter = "7200";
  const other = await patient.serving(patient.options());
  match(failureOf(other.outcomes[0]), /not done within 10 minutes/);
  const waitMs = other.manager.states()[0]!.nextAttemptMs - patient.time.wallMs();
  ok(Math.abs(waitMs - 2 * HOUR_MS) < 60_000, `asked to come in two hours, comes in ${waitMs} ms`);
  await other.manager.stop();
});

Deno.test("acme: a proof that the authority does not see says what it saw", async () => {
  const rig = await AcmeRig.create({ fetchProof: () => Promise.resolve("<h1>parked</h1>") });
  const node = await rig.serving(rig.options());
  const [outcome] = node.outcomes;
  match(failureOf(outcome), /^challenge: /);
  match(failureOf(outcome), /example\.org was not proven.*parked/);
  match(node.logs.join("\n"), /could not be had/);
  const [state] = node.manager.states();
  equal(state!.lastFailure?.reason, "challenge");
  equal(state!.isStandIn, true);
  await node.manager.stop();
});

Deno.test("acme: failures in a row are followed by longer and longer pauses", async () => {
  const rig = await AcmeRig.create();
  rig.server.fault = (step) => step === "newOrder" ? problem(500, "serverInternal") : undefined;
  const node = await rig.serving(rig.options());
  const pauses: number[] = [];
  for (let i = 1; i <= 5; i++) {
    await rig.until(() => node.outcomes.length >= i, 30_000);
    pauses.push(Math.round((node.manager.states()[0]!.nextAttemptMs - rig.time.wallMs()) / 60_000));
  }
  for (const [index, minutes] of [2, 4, 8, 16, 32].entries()) {
    ok(Math.abs(pauses[index]! - minutes) <= minutes * 0.1 + 1, `${pauses}`);
  }
  await node.manager.stop();
});

Deno.test("acme: server errors while waiting are passing, and halves of answers are none", async () => {
  const rig = await AcmeRig.create();
  rig.server.fault = (step, nth) => {
    if (step === "order" && nth <= 2) return new Response("bad gateway", { status: 502 });
    return undefined;
  };
  const node = await rig.serving(rig.options());
  deepEqual(node.outcomes, [{ type: "issued" }]);
  await node.manager.stop();

  const half = await AcmeRig.create();
  half.server.fault = (step) => step === "newOrder" ? new Response('{"status":"pend') : undefined;
  const other = await half.serving(half.options());
  const [outcome] = other.outcomes;
  match(failureOf(outcome), /^protocol: /);
  await other.manager.stop();
});

Deno.test("acme: an order that turns invalid says why", async () => {
  const rig = await AcmeRig.create();
  rig.server.fault = (step) =>
    step === "finalize"
      ? Response.json({
        status: "invalid",
        error: { type: "urn:ietf:params:acme:error:caa", detail: "CAA forbids" },
      })
      : step === "order" && rig.server.count("finalize") > 0
      ? Response.json({
        status: "invalid",
        error: { type: "urn:ietf:params:acme:error:caa", detail: "CAA forbids" },
      })
      : undefined;
  const node = await rig.serving(rig.options());
  const [outcome] = node.outcomes;
  match(failureOf(outcome), /order.*caa: CAA forbids/);
  await node.manager.stop();
});

Deno.test("acme: a certificate for other names, or without any, is not used", async () => {
  const rig = await AcmeRig.create();
  rig.server.issuesFor = ["evil.example"];
  const node = await rig.serving(rig.options());
  match(JSON.stringify(node.outcomes), /is not for example\.org/);
  equal(issuerOf(rig.storage.files.get(BUNDLE)), "CN=Sentinel stand-in");
  await node.manager.stop();

  const empty = await AcmeRig.create();
  empty.server.fault = (step) => step === "certificate" ? new Response("nothing") : undefined;
  const other = await empty.serving(empty.options());
  match(JSON.stringify(other.outcomes), /cannot be read/);
  await other.manager.stop();
});

Deno.test("acme: an authority may not send us to a place without TLS, or with a password", async () => {
  for (const url of ["http://169.254.169.254/x", "https://a:b@ca.test/newNonce", "file:///etc/passwd"]) {
    const rig = await AcmeRig.create();
    rig.server.fault = (step) =>
      step === "directory" ? Response.json({ newNonce: url, newAccount: url, newOrder: url }) : undefined;
    const node = await rig.serving(rig.options());
    match(JSON.stringify(node.outcomes), /no URL that may be asked/, url);
    await node.manager.stop();
  }
});

Deno.test("acme: an external binding is made by the key it was given, and asked for when it is missing", async () => {
  const hmac = new Uint8Array(32).fill(7);
  const externalKeys = new Map([["kid-1", hmac]]);
  const key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
  const rig = await AcmeRig.create({ externalKeys });
  rig.server.requiresBinding = true;
  const node = await rig.serving(rig.options(`eab { kid "kid-1"; hmac-key "${key}" }`));
  deepEqual(node.outcomes, [{ type: "issued" }]);
  await node.manager.stop();
  const without = await AcmeRig.create({ externalKeys });
  without.server.requiresBinding = true;
  const other = await without.serving(without.options());
  const [outcome] = other.outcomes;
  match(failureOf(outcome), /account: .*eab \{/);
  await other.manager.stop();
});

Deno.test("acme: an account that the authority has forgotten is made anew; a new address is told", async () => {
  const rig = await AcmeRig.create();
  const node = await rig.serving(rig.options());
  rig.server.forgetAccounts();
  deepEqual([...(await rig.settled(node.manager.renew(undefined))).values()], [{ type: "issued" }]);
  equal(rig.server.accounts.length, 1);
  await node.manager.stop();
  const moved = rig.node();
  await moved.manager.prepare([{ ...rig.options(), email: "b@example.org" }]);
  moved.manager.commit();
  await rig.settled(moved.manager.renew("example.org"));
  deepEqual(rig.server.accounts[0]!.contact, ["mailto:b@example.org"]);
  await moved.manager.stop();
});

Deno.test("acme: two processes with one folder order once, and both use it", async () => {
  const rig = await AcmeRig.create();
  rig.server.delay = 2;
  const nodes = [rig.node(), rig.node()];
  for (const { manager } of nodes) {
    await manager.prepare([rig.options()]);
    manager.commit();
  }
  await rig.until(() => nodes.every(({ served }) => served.some(({ isStandIn }) => !isStandIn)));
  equal(rig.server.issued.length, 1);
  for (const { manager } of nodes) await manager.stop();
});

Deno.test("acme: the lock of a process that died is over after a minute", async () => {
  const rig = await AcmeRig.create();
  const untilMs = rig.time.wallMs() + 60_000;
  rig.storage.files.set("/s/domains/example.org/lock.json", JSON.stringify({ owner: "dead", untilMs }));
  const node = rig.node();
  await node.manager.prepare([rig.options()]);
  node.manager.commit();
  await rig.until(() => node.outcomes.length === 1);
  match(failureOf(node.outcomes[0]), /^locked: /);
  await rig.until(() => node.outcomes.length === 2);
  deepEqual(node.outcomes[1], { type: "issued" });
  equal(node.manager.states()[0]!.failuresInARow, 0);
  await node.manager.stop();
});

Deno.test("acme: broken files are reported and replaced", async () => {
  const rig = await AcmeRig.create();
  await (await rig.serving(rig.options())).manager.stop();
  const whole = rig.storage.files.get(BUNDLE)!;
  const standIn = rig.node();
  for (
    const broken of [whole.slice(0, 400), "", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----"]
  ) {
    rig.storage.files.set(BUNDLE, broken);
    rig.storage.files.set("/s/account.json", broken);
    rig.storage.files.set("/s/domains/example.org/attempts.json", broken);
    const node = await rig.serving(rig.options());
    deepEqual(node.outcomes, [{ type: "issued" }], broken);
    if (broken !== "") match(node.logs.join("\n"), /cannot be used and will be replaced/);
    await node.manager.stop();
  }
  await standIn.manager.stop();
});

Deno.test("acme: a full disk is a failure that is tried again", async () => {
  for (let nth = 2; nth < 9; nth++) {
    const rig = await AcmeRig.create();
    const node = rig.node();
    await node.manager.prepare([rig.options()]);
    rig.storage.failingWrite = nth;
    node.manager.commit();
    // Either ordered again, or found in the folder where the failed attempt has left it.
    await rig.until(() =>
      !node.manager.states()[0]!.isStandIn && node.manager.states()[0]!.failuresInARow === 0
    );
    ok(node.manager.states()[0]!.nextAttemptMs > rig.time.wallMs() + 50 * DAY_MS);
    equal(issuerOf(rig.storage.files.get(BUNDLE)), "CN=Test Root", `write ${nth}`);
    await node.manager.stop();
  }
});

Deno.test("acme: files of the reference proxy are taken over", async () => {
  const rig = await AcmeRig.create();
  await (await rig.serving(rig.options())).manager.stop();
  rig.storage.files.delete(BUNDLE);
  rig.storage.files.delete("/s/domains/example.org/meta.json");
  const node = rig.node();
  const [first] = await node.manager.prepare([rig.options()]);
  equal(first!.isStandIn, false);
  equal(issuerOf(rig.storage.files.get(BUNDLE)), "CN=Test Root");
  await node.manager.stop();
});

Deno.test("acme: a reload keeps what stays, orders what changed, and a failed one leaves nothing", async () => {
  const rig = await AcmeRig.create();
  const node = await rig.serving(rig.options());
  await node.manager.prepare([rig.options()]);
  node.manager.commit();
  equal(node.manager.states().length, 1);
  await node.manager.prepare([rig.options("", '"example.org" "new.example.org"')]);
  node.manager.abandon();
  deepEqual(node.manager.states()[0]!.domains, ["example.org"]);
  const [kept] = await node.manager.prepare([rig.options("", '"example.org" "new.example.org"')]);
  equal(kept!.isStandIn, false, "the old certificate is better than a stand-in");
  node.manager.commit();
  await rig.until(() => node.outcomes.length === 2);
  deepEqual(node.served.at(-1)!.domains, ["example.org", "new.example.org"]);
  await node.manager.stop();
  equal(rig.time.pending, 0);
});

Deno.test("acme: stopping gives an order up at once, its proofs and its lock with it", async () => {
  const rig = await AcmeRig.create();
  rig.server.delay = Infinity;
  const node = rig.node();
  await node.manager.prepare([rig.options()]);
  node.manager.commit();
  await rig.until(() => rig.answers.size > 0);
  await rig.settled(node.manager.stop());
  equal(rig.answers.size, 0);
  match(rig.storage.files.get("/s/domains/example.org/lock.json")!, /"owner": ""/);
  deepEqual(node.outcomes, []);
  equal(rig.time.pending, 0);
});
