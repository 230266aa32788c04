/** To add a type of agents that brings something along: its file, and a row here. Other words only show in lists. */

import type { AgentType } from "./agent_type.ts";
import { waf } from "./waf.ts";

/** Every type that brings something along. */
export const AGENT_TYPES: readonly AgentType[] = [waf];
