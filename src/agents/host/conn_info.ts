import { assert } from "../../core/assert.ts";
import type { ConnInfo, Request, TlsInfo } from "../contract/sentinel_types.ts";
import { AgentTrap } from "../guest.ts";
import type { Capability, CommonDeps } from "./capability.ts";

/** What is known of the connection that a request came on. */
export interface ConnectionFact {
  /** The client's address after trusted proxies have been looked through. */
  readonly clientAddress: string;
  /** 0 when it is not known, as for an address that a proxy told. */
  readonly clientPort: number;
  /** Absent for a connection without TLS. */
  readonly tls: TlsInfo | undefined;
}

/** Finds the facts of a request that an agent holds a handle of. */
export interface ConnectionFacts {
  /** Undefined when this request is none of those in flight. */
  of(request: Request): ConnectionFact | undefined;
}

/** What `conn-info` is made from. */
export interface ConnInfoDeps extends CommonDeps {
  readonly connections: ConnectionFacts | undefined;
}

/** Who is at the other end. */
export const connInfoCapability = {
  name: "conn-info",
  key: "connInfo",
  summary: "The client's address and port, and the facts of its TLS connection.",
  create: createConnInfo,
} as const satisfies Capability<"connInfo", ConnInfoDeps>;

function createConnInfo({ connections, meter }: ConnInfoDeps): ConnInfo {
  assert(connections !== undefined, "conn-info is granted, so there are facts");
  const factOf = (request: Request): ConnectionFact => {
    meter.call("conn-info", 0);
    const fact = connections.of(request);
    if (fact === undefined) throw new AgentTrap("host", "conn-info: nothing is known of this request");
    return fact;
  };
  return {
    clientAddress: (request) => factOf(request).clientAddress,
    clientPort: (request) => factOf(request).clientPort,
    tls(request) {
      const { tls } = factOf(request);
      meter.answer("conn-info", tls?.clientCertificate?.length ?? 0);
      return tls;
    },
  };
}
