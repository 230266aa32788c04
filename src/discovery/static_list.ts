import { checkEndpoint } from "../core/address.ts";
import { repeated } from "../core/named_blocks.ts";
import { block, integer, text } from "../core/schema.ts";
import type { Infer } from "../core/schema.ts";
import type { DiscoveryKind } from "./discovery.ts";
import { discoveryOptions } from "./options.ts";

/** A target as lists in configurations and files write it. */
export const listedTarget = block({
  summary: "A place requests can go to.",
  args: ["address"],
  fields: {
    address: text({
      summary: "host:port, [IPv6]:port or unix:/path.",
      required: true,
      check: checkEndpoint,
      example: "10.0.0.7:3000",
    }),
    weight: integer({ summary: "Share of requests; 0 means none.", min: 0, max: 1_000_000, default: 1 }),
    priority: integer({
      summary: "0 is used first; a higher one when nothing of a lower one is fit.",
      min: 0,
      max: 65_535,
      default: 0,
    }),
    zone: text({ summary: "Where it runs, for balancing by locality." }),
  },
});

const options = discoveryOptions({
  targets: repeated({
    summary: "The places.",
    name: "target",
    aliases: ["targets"],
    block: listedTarget,
  }),
}, (value, report) => {
  if (value.targets.length === 0) {
    report("targets", '"discovery" needs at least one target', 'add: target "10.0.0.7:3000"');
  }
});

/** The targets stand in the configuration. */
export const staticList: DiscoveryKind<"static-list", NonNullable<Infer<typeof options>>> = {
  type: "static-list",
  aliases: ["static"],
  summary: "A list in the configuration; changes with it.",
  options,
  subject: ({ targets }) => `${targets.length} listed targets`,
  create({ targets }) {
    return {
      next: () => Promise.resolve({ targets, againAfterMs: Infinity }),
      close() {},
    };
  },
};
