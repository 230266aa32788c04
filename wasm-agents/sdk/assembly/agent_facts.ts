/** What an agent says about itself. */

import { Description as Raw } from "./bindings/lifecycle";
import { Text } from "./text";
import { failed, Result, succeeded } from "./values";

/** Name, version and purpose. The id is lower case, digits and `-`. */
export class Description extends Raw {
  constructor(id: string, version: string, summary: string) {
    super();
    this.id = Text.of(id);
    this.version = Text.of(version);
    this.summary = Text.of(summary);
  }
}

/** Whether an agent is well. */
export class Health {
  constructor(readonly result: Result<Text, Text>) {}

  /** Well, with a word about it. */
  static healthy(note: string = "ok"): Health {
    return new Health(succeeded<Text, Text>(Text.of(note)));
  }

  /** Not well, and why. */
  static unhealthy(why: string): Health {
    return new Health(failed<Text, Text>(Text.of(why)));
  }
}
