import { deepEqual, equal } from "node:assert/strict";
import { agentRig } from "../../tests/support/agent_rig.ts";
import { outcome } from "../../tests/support/fake_agent.ts";
import { requestContext } from "../../tests/support/filter_fixture.ts";
import { CLIENT, TLS_FACTS } from "../../tests/support/tls_facts.ts";
import type { RequestView } from "../agents/runtime/bound_agent.ts";
import type { TlsFacts } from "../core/tls.ts";

Deno.test("agent filter: what is told of TLS", () => {
  const told = (tls: TlsFacts | undefined) => {
    let view: RequestView | undefined;
    const { filter } = agentRig({
      hooks: () => ({ onRequestHeaders: (given) => (view = given, outcome()) }),
      handles: ["request-headers"],
    });
    filter.onRequest!(requestContext(tls === undefined ? {} : { scheme: "https", tls }));
    return view!.tls();
  };
  const whole = {
    version: "TLSv1.3",
    cipher: "TLS_AES_128_GCM_SHA256",
    serverName: "www.example",
    alpn: "http/1.1",
    clientCertificate: CLIENT.der,
    clientVerified: true,
  };
  deepEqual(told(TLS_FACTS), whole);
  deepEqual(told({ ...TLS_FACTS, serverName: "", protocol: "", client: null }), {
    ...whole,
    serverName: undefined,
    alpn: undefined,
    clientCertificate: undefined,
    clientVerified: false,
  });
  equal(told({ ...TLS_FACTS, client: { ...CLIENT, problem: "revoked" } })?.clientVerified, false);
  equal(told(undefined), undefined);
});
