/** Answers requests below one path with a status of its own. Change it to what you need. */

import { Config, Decision, Description, Range, Request } from "sentinel";

/** What the configuration says; each instance of the agent reads it once. */
let prefix = "/private/";
let status = 403;

export function describe(): Description {
  return new Description("__AGENT__", "0.1.0", "Blocks what is below one path");
}

export function onConfigure(config: Config): void {
  prefix = config.string("prefix", prefix);
  status = config.integer("status", status, new Range(400, 599));
  if (!prefix.startsWith("/")) config.problem('must begin with "/"', "prefix");
}

export function onRequest(request: Request): Decision {
  if (!request.pathStartsWith(prefix)) return Decision.allow();
  return Decision.block(status).withBody("Not here\n").withRuleId("prefix");
}
