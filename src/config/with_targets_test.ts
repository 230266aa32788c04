import assert from "node:assert/strict";
import type { DiscoveredTarget } from "../discovery/discovery.ts";
import { parseConfig } from "./load.ts";
import { resolveConfig } from "./resolve.ts";
import { discoveringUpstreams, withTargets } from "./with_targets.ts";

const KDL = `system {}
listeners { listener "l" { address "127.0.0.1:1" } }
upstreams {
    upstream "plain" { target "10.0.0.1:80" }
    upstream "api" { discovery "dns" { name "api.test."; port 443 }; tls { } }
}
namespace "shop" {
    upstreams { upstream "api" { target "10.0.0.9:80"; discovery "srv" { name "_https._tcp.api.test" }; tls { } } }
    service "cart" {
        upstreams { upstream "api" { discovery "dns" { name "cart.test"; port 80 }; tls { sni "mine" } } }
    }
}
`;

const config = parseConfig(KDL).config!;
const found = (...targets: DiscoveredTarget[]) => targets;

function upstreamsOf(find: Readonly<Record<string, readonly DiscoveredTarget[]>>) {
  const served = resolveConfig(withTargets(config, (id) => find[id])).upstreams;
  return new Map(served.map(({ id, targets, tls }) => [id, {
    targets: targets.map(({ address, weight }) => `${address}*${weight}`).join(),
    sni: tls?.sni,
  }]));
}

Deno.test("with targets: upstreams of every scope are found by their qualified ids", () => {
  assert.deepEqual(discoveringUpstreams(config).map(({ id }) => id), ["api", "shop:api", "shop:cart:api"]);
  const served = upstreamsOf({
    plain: found({ address: "6.6.6.6:6", weight: 1 }),
    api: found({ address: "10.1.0.1:443", weight: 3 }),
    "shop:api": found({ address: "10.1.0.2:443", weight: 1 }),
    "shop:cart:api": found(),
  });
  assert.deepEqual(Object.fromEntries(served), {
    plain: { targets: "10.0.0.1:80*1", sni: undefined },
    api: { targets: "10.1.0.1:443*3", sni: "api.test" },
    "shop:api": { targets: "10.1.0.2:443*1", sni: "api.test" },
    "shop:cart:api": { targets: "", sni: "mine" },
  });
});

Deno.test("with targets: what has no answer keeps what is configured, and the host of each as its TLS name", () => {
  const served = upstreamsOf({});
  assert.deepEqual(served.get("shop:api"), { targets: "10.0.0.9:80*1", sni: undefined });
  assert.deepEqual(served.get("api"), { targets: "", sni: undefined });
});

Deno.test("with targets: found ones have every default that configured ones have", () => {
  const targets = found({ address: "10.0.0.1:80", weight: 1, priority: 0, zone: "eu-1" });
  const served = resolveConfig(withTargets(config, () => targets)).upstreams;
  const names = (id: string) =>
    Object.keys(served.find((one) => one.id === id)!.targets[0]!).filter((name) => name !== "zone").sort();
  assert.deepEqual(names("api"), names("plain"));
});

Deno.test("with targets: only the best priority is served by a balancer that knows none", () => {
  const cases: { name: string; targets: DiscoveredTarget[]; want: string }[] = [
    {
      name: "the lowest number",
      targets: [{ address: "a:1", weight: 1, priority: 2 }, { address: "b:1", weight: 1, priority: 1 }],
      want: "b:1*1",
    },
    {
      name: "none is the best",
      targets: [{ address: "a:1", weight: 1, priority: 2 }, { address: "b:1", weight: 1 }],
      want: "b:1*1",
    },
    {
      name: "targets of weight 0 do not count",
      targets: [{ address: "a:1", weight: 0, priority: 0 }, { address: "b:1", weight: 1, priority: 1 }],
      want: "b:1*1",
    },
    { name: "all of weight 0", targets: [{ address: "a:1", weight: 0, priority: 1 }], want: "a:1*0" },
  ];
  for (const { name, targets, want } of cases) {
    assert.equal(upstreamsOf({ api: targets }).get("api")!.targets, want, name);
  }
});
