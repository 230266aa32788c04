/** `lifecycle` by the author's `describe`, and by `onConfigure`, `onHealth`, `onDrain`, `onShutdown` where there are any. */

import * as agent from "agent";
import { Health } from "../agent_facts";
import { ConfigProblem, Description } from "../bindings/lifecycle";
import { Config } from "../config";
import { Text } from "../text";
import { Result } from "../values";

/** Who the agent is. */
export function describe(): Description {
  return agent.describe();
}

/** Hands the configuration to the author; null when it is good. */
export function configure(text: Text): ConfigProblem[] | null {
  if (isDefined(agent.onConfigure)) {
    const config = Config.read(text);
    if (config.isReadable) agent.onConfigure(config);
    return config.finish();
  }
  if (text.is("{}") || text.is("null") || text.length == 0) return null;
  const problem = new ConfigProblem();
  problem.message = Text.of("This agent takes no configuration");
  return [problem];
}

/** Whether the agent is well; without `onHealth` it is. */
export function health(): Result<Text, Text> {
  if (isDefined(agent.onHealth)) return agent.onHealth().result;
  return Health.healthy().result;
}

/** No new request will come. */
export function drain(reason: u8): void {
  if (isDefined(agent.onDrain)) agent.onDrain(reason);
}

/** The instance is about to be discarded. */
export function shutdown(reason: u8): void {
  if (isDefined(agent.onShutdown)) agent.onShutdown(reason);
}
