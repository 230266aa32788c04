/** Every way to write DNS records against a server of its kind: the record is there, then it is gone. */

import { deepEqual, equal, match, ok, rejects } from "node:assert/strict";
import { findDnsProvider } from "../../src/acme/dns/find_provider.ts";
import { DNS_PROVIDERS } from "../../src/acme/dns/registry.ts";
import type { AcmePorts } from "../../src/acme/ports.ts";
import { AcmeRig, httpTo, readAcme } from "../support/acme_rig.ts";

type Records = Map<string, { readonly name: string; readonly value: string }>;

interface FakeApi {
  /** Options beside the credentials. */
  readonly options: string;
  /** Answers requests; `token` is what was sent as the credentials. */
  answer(request: Request, records: Records): Promise<Response>;
}

const ZONE = "example.org";
const TOKEN = "secret-token";

function idOf(records: Records): string {
  return `r${records.size + 1}`;
}

const FAKES: Readonly<Record<string, FakeApi>> = {
  webhook: {
    options: 'url "https://hook.test/api/"; auth-header "X-Key"',
    async answer(request, records) {
      if (request.headers.get("x-key") !== TOKEN) return new Response("no", { status: 401 });
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === `/api/domains/www.${ZONE}/supported`) return Response.json({ supported: true });
      if (request.method === "POST" && pathname === "/api/records") {
        const { record_name: name, record_value: value, record_type, domain } = await request.json();
        deepEqual([record_type, domain], ["TXT", `www.${ZONE}`]);
        const id = idOf(records);
        records.set(id, { name, value });
        return Response.json({ record_id: id });
      }
      equal(searchParams.get("domain"), `www.${ZONE}`);
      return new Response(null, { status: records.delete(pathname.split("/").pop()!) ? 204 : 404 });
    },
  },
  cloudflare: {
    options: 'url "https://cf.test/v4"',
    async answer(request, records) {
      if (request.headers.get("authorization") !== `Bearer ${TOKEN}`) {
        return new Response("no", { status: 403 });
      }
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/v4/zones") {
        return Response.json({ result: searchParams.get("name") === ZONE ? [{ id: "z1" }] : [] });
      }
      if (request.method === "POST" && pathname === "/v4/zones/z1/dns_records") {
        const { name, content, type } = await request.json();
        equal(type, "TXT");
        const id = idOf(records);
        records.set(id, { name, value: content.slice(1, -1) });
        return Response.json({ result: { id } });
      }
      return Response.json({ result: {} }, {
        status: records.delete(pathname.split("/").pop()!) ? 200 : 404,
      });
    },
  },
  hetzner: {
    options: 'url "https://hz.test/v1"',
    async answer(request, records) {
      if (request.headers.get("auth-api-token") !== TOKEN) return new Response("no", { status: 401 });
      const { pathname, searchParams } = new URL(request.url);
      if (pathname === "/v1/zones") {
        if (searchParams.get("name") !== ZONE) return Response.json({ error: "not found" }, { status: 404 });
        return Response.json({ zones: [{ id: "z1", name: ZONE }] });
      }
      if (request.method === "POST" && pathname === "/v1/records") {
        const { name, value, type, zone_id } = await request.json();
        deepEqual([type, zone_id], ["TXT", "z1"]);
        const id = idOf(records);
        records.set(id, { name: `${name}.${ZONE}`, value: value.slice(1, -1) });
        return Response.json({ record: { id } });
      }
      return new Response(null, { status: records.delete(pathname.split("/").pop()!) ? 200 : 404 });
    },
  },
};

/** Those that do not speak HTTP have a test with a real server. */
const ELSEWHERE: Readonly<Record<string, string>> = { rfc2136: "tests/e2e/acme_dns_test.ts" };

async function stage(type: string, answer: FakeApi["answer"], token = TOKEN) {
  const records: Records = new Map();
  const rig = await AcmeRig.create();
  const ports: AcmePorts = {
    ...rig.ports(),
    http: httpTo((request) => answer(request, records)),
    files: { readText: () => Promise.resolve(`${token}\n`), watch: () => () => {} },
  };
  const { options } = readAcme(`
    email "a@b.test"; domains "*.www.${ZONE}"; challenge-type "dns-01"
    dns-provider { type "${type}"; credentials-file "/token"; ${FAKES[type]!.options} }`).dnsProvider!;
  return { records, provider: findDnsProvider(type).create(options, ports) };
}

for (const { type } of DNS_PROVIDERS) {
  if (Object.hasOwn(ELSEWHERE, type)) continue;
  const record = { name: `_acme-challenge.www.${ZONE}`, value: "proof" };
  const { signal } = new AbortController();

  Deno.test(`dns provider ${type}: adds a record to its zone and takes it away`, async () => {
    ok(FAKES[type] !== undefined, `write a server for "${type}" to try it against`);
    for (const token of [TOKEN, JSON.stringify({ token: TOKEN }), JSON.stringify({ api_token: TOKEN })]) {
      const { records, provider } = await stage(type, FAKES[type].answer, token);
      const remove = await provider.add(record, signal);
      deepEqual([...records.values()], [record]);
      await remove();
      equal(records.size, 0);
    }
  });

  Deno.test(`dns provider ${type}: a refusal says what was answered, and never the token`, async () => {
    const { provider } = await stage(type, FAKES[type]!.answer, "another-token");
    await rejects(provider.add(record, signal), (cause: Error) => {
      match(cause.message, /answers 40[13]: no/);
      ok(!cause.message.includes("another-token"));
      return true;
    });
  });

  Deno.test(`dns provider ${type}: answers that are none are failures`, async () => {
    for (
      const body of ["", "[]", "{", '{"result":7,"zones":7,"supported":7}', '{"result":[7],"zones":[{}]}']
    ) {
      const { provider } = await stage(type, () => Promise.resolve(new Response(body)));
      await rejects(provider.add(record, signal), Error, body);
    }
  });

  Deno.test(`dns provider ${type}: a name of no zone of the account is a failure`, async () => {
    const { provider, records } = await stage(type, FAKES[type]!.answer);
    await rejects(provider.add({ name: "_acme-challenge.other.example", value: "x" }, signal), Error);
    equal(records.size, 0);
  });
}
