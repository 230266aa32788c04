/** Options that all ways to write DNS records share. */

import { resolverField } from "../../discovery/options.ts";
import { block, duration, type Fields, type Infer, type Report, text } from "../../core/schema.ts";
import type { BlockValue, Schema } from "../../core/schema.ts";
import { checkVariable } from "./credentials.ts";

const propagation = block({
  summary: "How it is waited until a record shows.",
  always: true,
  fields: {
    initialDelaySecs: duration({
      summary: "Wait before the first look.",
      aliases: ["initial-delay"],
      unit: "s",
      min: 0,
      max: 3600,
      default: 10,
    }),
    checkIntervalSecs: duration({
      summary: "Between two looks.",
      aliases: ["check-interval"],
      unit: "s",
      min: 0.1,
      max: 600,
      default: 5,
    }),
    timeoutSecs: duration({
      summary: "When it still does not show after this, the order has failed.",
      aliases: ["timeout"],
      unit: "s",
      min: 1,
      max: 7200,
      default: 120,
    }),
    nameservers: { ...resolverField, name: "nameservers", aliases: ["nameserver", "resolver"] },
  },
});

const common = {
  apiTimeoutSecs: duration({
    summary: "Until the API, or the server, has answered.",
    aliases: ["api-timeout"],
    unit: "s",
    min: 0.1,
    max: 600,
    default: 30,
  }),
  propagation,
} as const;

/** What every way to write records is told. */
export type CommonDnsOptions = BlockValue<typeof common>;

/** Where a secret is read from, each time it is used. */
export const credentialFields = {
  credentialsFile: text({
    summary: "File with the token alone, or JSON with `token`, `api_token` or `api_key`.",
    example: "/etc/sentinel/dns-token",
  }),
  credentialsEnv: text({
    summary: "Environment variable with the same; the process must be allowed to read it (ACME_* is).",
    check: checkVariable,
    example: "ACME_DNS_TOKEN",
  }),
} as const;

/** Says what is wrong unless exactly one source of a secret is given. */
export function checkCredentials(
  value: { readonly credentialsFile?: string | undefined; readonly credentialsEnv?: string | undefined },
  report: Report,
): void {
  const { credentialsFile, credentialsEnv } = value;
  if (credentialsFile !== undefined && credentialsEnv !== undefined) {
    report("credentialsEnv", `"credentials-file" and "credentials-env" exclude each other`);
  } else if (credentialsFile === undefined && credentialsEnv === undefined) {
    report("credentialsFile", `"dns-provider" needs "credentials-file" or "credentials-env"`);
  }
}

/** The options of one way to write records, the common ones among them. */
export function dnsProviderOptions<const F extends Fields>(
  fields: F,
  check?: (value: BlockValue<F>, report: Report) => void,
): Schema<BlockValue<F & typeof common>> {
  const all = { ...fields, ...common };
  // The check sees the common options too, which it does not know of.
  const checked = check === undefined ? {} : { check: check as never };
  const options = { summary: "How records are written.", always: true as const, fields: all, ...checked };
  return block(options) as unknown as Schema<BlockValue<F & typeof common>>;
}

/** How it is waited until a record shows. */
export type PropagationOptions = Infer<typeof propagation>;
