import { deepEqual, equal, throws } from "node:assert/strict";
import type { Request, TlsInfo } from "../contract/sentinel_types.ts";
import { connInfoCapability } from "./conn_info.ts";
import { hostFixture } from "../../../tests/support/host_fixture.ts";

const tls: TlsInfo = {
  version: "1.3",
  cipher: "TLS_AES_128_GCM_SHA256",
  serverName: "example.com",
  alpn: "http/1.1",
  clientCertificate: Uint8Array.of(0x30, 0x00),
  clientVerified: true,
};

Deno.test("conn-info: the facts of the request that was asked about", () => {
  const [plain, secure, unknown] = [{}, {}, {}] as unknown as [Request, Request, Request];
  const facts = new Map([
    [plain, { clientAddress: "192.0.2.1", clientPort: 0, tls: undefined }],
    [secure, { clientAddress: "2001:db8::1", clientPort: 50_000, tls }],
  ]);
  const { deps, metered } = hostFixture({ connections: { of: (request) => facts.get(request) } });
  const info = connInfoCapability.create(deps);
  deepEqual([info.clientAddress(plain), info.clientPort(plain), info.tls(plain)], [
    "192.0.2.1",
    0,
    undefined,
  ]);
  deepEqual([info.clientAddress(secure), info.clientPort(secure)], ["2001:db8::1", 50_000]);
  equal(info.tls(secure), tls);
  equal(metered.at(-1), "answer conn-info 2");
  throws(() => info.clientAddress(unknown), { name: "AgentTrap", kind: "host" });
});
