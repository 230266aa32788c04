/** One rule: which requests it is for, and what it does. */

import { Config, Decision, Request, Text } from "sentinel";
import { HeaderEdits } from "./header_edits";
import { JsonEdits } from "./json_edits";
import { Match } from "./match";
import { TargetEdit } from "./target";

/** A rule as the configuration has it. */
export class Rule {
  readonly name: string;
  readonly priority: i32;
  readonly isEnabled: bool;
  readonly match: Match;
  readonly requestJson: JsonEdits;
  readonly responseJson: JsonEdits;
  private readonly target: TargetEdit;
  private readonly method: Text | null;
  private readonly requestHeaders: HeaderEdits;
  private readonly responseHeaders: HeaderEdits;

  constructor(config: Config, place: string) {
    const names = config.strings("args");
    if (names.length > 1) config.problem("has more than one name");
    const request = config.block("request");
    const response = config.block("response");
    this.name = names.length > 0 ? names[0] : place;
    this.priority = config.integer("priority", 50);
    this.isEnabled = config.flag("enabled", true);
    this.match = new Match(config.block("match"));
    this.requestJson = new JsonEdits(request);
    this.responseJson = new JsonEdits(response);
    this.target = new TargetEdit(request);
    this.method = request.text("method");
    this.requestHeaders = new HeaderEdits(request.block("headers"));
    this.responseHeaders = new HeaderEdits(response.block("headers"));
    if (!request.isPresent && !response.isPresent) {
      config.problem('does nothing: it has neither "request" nor "response"');
    }
  }

  /** All that is done before the request is sent. */
  decide(request: Request, captures: Text[]): Decision {
    let decision = Decision.allow().withRuleId(this.name);
    if (!this.target.isEmpty) decision = decision.withTarget(this.target.apply(request, captures).toString());
    const method = this.method;
    if (method !== null) decision = decision.withMethod(method.toString());
    return this.responseHeaders.onResponse(this.requestHeaders.onRequest(decision));
  }
}
