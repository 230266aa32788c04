/** EndpointSlices of discovery.k8s.io/v1 (kubernetes.io/docs/reference/kubernetes-api/service-resources/endpoint-slice-v1). */

import type { Answer, DiscoveredTarget } from "../discovery.ts";
import { addressOf } from "../dns.ts";
import { isObject, listAt, objectAt, portAt, textAt } from "../json.ts";

/** Endpoints of one slice that are looked at; the API allows 1000. */
const ENDPOINTS_MAX = 1000;

/** What of a slice matters here. */
export interface EndpointSlice {
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly Endpoint[];
}

interface SlicePort {
  /** Empty where the service has one port without a name. */
  readonly name: string;
  readonly port: number;
}

interface Endpoint {
  readonly host: string;
  readonly zone: string | undefined;
  /** Takes requests. */
  readonly ready: boolean;
  /** Is on its way out, but still answers. */
  readonly leaving: boolean;
}

/** Reads a slice. What is missing means what the API says it means: ready, and not terminating. */
export function readSlice(item: unknown): EndpointSlice {
  const endpoints = listAt(item, "endpoints").slice(0, ENDPOINTS_MAX);
  return {
    ports: listAt(item, "ports").flatMap(slicePort),
    endpoints: endpoints.flatMap(endpoint),
  };
}

function slicePort(value: unknown): SlicePort[] {
  const port = portAt(value, "port");
  const protocol = textAt(value, "protocol") ?? "TCP";
  if (port === undefined || protocol !== "TCP") return [];
  return [{ name: textAt(value, "name") ?? "", port }];
}

function endpoint(value: unknown): Endpoint[] {
  // The addresses of one endpoint all lead to it; consumers take the first (EndpointSlice API, `addresses`).
  const host = listAt(value, "addresses")[0];
  if (typeof host !== "string") return [];
  const conditions = objectAt(value, "conditions");
  const ready = conditions["ready"] !== false;
  const serving = isObject(value) && typeof conditions["serving"] === "boolean"
    ? conditions["serving"]
    : ready;
  const leaving = serving && conditions["terminating"] === true;
  return [{ host, zone: textAt(value, "zone"), ready, leaving }];
}

/**
 * The targets of a service. Only ready endpoints count; when there is none, those that are terminating and still
 * serve, as kube-proxy has it (KEP-1669), so that the last pods of a service finish what comes.
 */
export function sliceTargets(
  slices: readonly EndpointSlice[],
  wanted: string | undefined,
): Pick<Answer, "targets" | "rejected"> {
  const ready: DiscoveredTarget[] = [];
  const leaving: DiscoveredTarget[] = [];
  let portless = 0;
  for (const slice of slices) {
    const port = choosePort(slice.ports, wanted);
    for (const { host, zone, ...state } of slice.endpoints) {
      if (!state.ready && !state.leaving) continue;
      if (port === undefined) {
        portless++;
        continue;
      }
      const target = { address: addressOf(host, port), weight: 1, ...(zone === undefined ? {} : { zone }) };
      (state.ready ? ready : leaving).push(target);
    }
  }
  const targets = ready.length > 0 ? ready : leaving;
  if (portless === 0) return { targets };
  const first = wanted === undefined ? "an endpoint has no TCP port" : `an endpoint has no port "${wanted}"`;
  return { targets, rejected: { count: portless, first } };
}

function choosePort(ports: readonly SlicePort[], wanted: string | undefined): number | undefined {
  if (wanted === undefined) return ports[0]?.port;
  return ports.find(({ name, port }) => name === wanted || String(port) === wanted)?.port;
}
