import { equal, rejects } from "node:assert/strict";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { httpTo } from "../../tests/support/acme_rig.ts";
import { AcmeServer } from "../../tests/support/acme_server.ts";
import { enterAccount } from "./account.ts";
import { AcmeClient, retryAfterMs } from "./client.ts";
import { type KeyType, SigningKey } from "./x509/key.ts";

async function clientOf(server: AcmeServer, type: KeyType): Promise<AcmeClient> {
  return new AcmeClient({
    directoryUrl: "https://ca.test/directory",
    caFile: undefined,
    http: httpTo((request) => server.handle(request)),
    clock: new FakeTime(),
    key: await SigningKey.generate(type),
    signal: new AbortController().signal,
  });
}

for (const type of ["ecdsa-p256", "ecdsa-p384", "rsa-2048"] as const) {
  Deno.test(`acme client: requests signed with ${type} are believed; one that is changed is not`, async () => {
    const server = await AcmeServer.create({ wallMs: Date.now });
    const client = await clientOf(server, type);
    const wish = { email: "a@b.test", binding: undefined, known: undefined, log: () => {} };
    const url = await enterAccount(client, wish);
    equal(await enterAccount(client, wish), url, "an account is found by its key");
    equal(server.accounts.length, 1);
    const changed = new AcmeClient({
      directoryUrl: "https://ca.test/directory",
      caFile: undefined,
      http: httpTo(async (request) => {
        if (request.method !== "POST") return server.handle(request);
        const body = await request.json();
        body.payload = btoa('{"contact":["mailto:evil@b.test"]}').replaceAll("=", "");
        return server.handle(new Request(request, { body: JSON.stringify(body) }));
      }),
      clock: new FakeTime(),
      key: client.key,
      signal: new AbortController().signal,
    });
    changed.signAs(url);
    await rejects(changed.post(url, { contact: [] }), /wrong signature/);
  });
}

const NOW_MS = Date.UTC(2026, 0, 1);
const CASES: readonly { readonly value: string | undefined; readonly want: number | undefined }[] = [
  { value: undefined, want: undefined },
  { value: "0", want: 0 },
  { value: "120", want: 120_000 },
  { value: "999999999", want: 7 * 86_400_000 },
  { value: "9999999999", want: undefined },
  { value: "-5", want: 0 },
  { value: "Thu, 01 Jan 2026 00:01:00 GMT", want: 60_000 },
  { value: "Wed, 31 Dec 2025 00:00:00 GMT", want: 0 },
  { value: "soon", want: undefined },
];

for (const { value, want } of CASES) {
  Deno.test(`acme client: Retry-After ${value} is ${want}`, () => equal(retryAfterMs(value, NOW_MS), want));
}
