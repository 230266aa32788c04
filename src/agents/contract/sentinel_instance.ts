// Generated from wasm-agents/wit/sentinel-agent.wit by `deno task wit`; do not edit.

/** The glue's side of one instance. */

import { Borrow, HandleNumbers } from "../abi/borrows.ts";
import { AbiInstance } from "../abi/instance.ts";
import type { Request, Response } from "./sentinel_types.ts";
import type { LiftBudget } from "../guest.ts";

/** What exports and imports of one instance share: the state of its glue, and the values lent to it. */
export class SentinelInstance {
  readonly abi: AbiInstance;
  readonly requests: Borrow<Request>;
  readonly responses: Borrow<Response>;

  constructor(budget: LiftBudget) {
    const numbers = new HandleNumbers();
    this.abi = new AbiInstance(budget);
    this.requests = new Borrow("request", numbers);
    this.responses = new Borrow("response", numbers);
  }
}
