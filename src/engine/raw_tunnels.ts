import type { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import type { UpgradePlan } from "../core/upgrade.ts";
import type { UpgradeOptions } from "../tunnel/upgrade_options.ts";
import type { GrantedProtocol } from "./route_upgrades.ts";
import { SplicedPlan, type SplicedTunnels } from "./spliced_plan.ts";

/** What a route does with protocols that it lets through unseen. */
export interface RawTunnels extends SplicedTunnels {
  readonly options: UpgradeOptions;
}

/** The protocols that a route lets through unseen. */
export function rawProtocols(route: RawTunnels): GrantedProtocol[] {
  return route.options.protocols.map((name) => ({
    name,
    plan: (context) => new RawPlan(name, context, route),
  }));
}

class RawPlan extends SplicedPlan<RawTunnels> implements UpgradePlan {
  readonly protocol: string;

  constructor(protocol: string, context: RequestContext, route: RawTunnels) {
    super(context, route);
    this.protocol = protocol;
  }

  admit(): void {
    if (this.context.body !== null) {
      throw new ProxyError("bad_request", "a request with a body cannot go on in another protocol");
    }
    this.takePlace();
  }

  checkAnswer(protocol: string): void {
    if (protocol.toLowerCase() === this.protocol) return;
    throw new ProxyError(
      "upstream_protocol",
      `the upstream switched to another protocol than ${this.protocol}`,
    );
  }

  end(): void {
    this.givePlaceBack();
  }
}
