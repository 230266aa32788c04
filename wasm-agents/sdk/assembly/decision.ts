/** What an agent answers about a request or a response. */

import {
  Audit,
  Block,
  Challenge,
  Decision as Verdict,
  HeaderEdit,
  Outcome,
  Redirect,
} from "./bindings/decisions";
import { Header } from "./bindings/http";
import { Text } from "./text";
import { Some } from "./values";

/** A header line, or a name with a value elsewhere. */
export function headerOf(name: string, value: string): Header {
  const header = new Header();
  header.name = Text.of(name);
  header.value = Text.of(value);
  return header;
}

/** The list with one element more; null is an empty list. */
export function appended<T>(list: T[] | null, element: T): T[] {
  if (list === null) return [element];
  list.push(element);
  return list;
}

/**
 * A decision with what goes with it: edits of headers, notes for the log. Every method returns the decision to go on
 * with, so that a decision reads as one chain: `return Decision.deny().withBody("Not here").withRuleId("admin");`
 */
export class Decision {
  /** For the host; null is a plain "allow", which costs nothing. */
  outcome: Outcome | null = null;

  /** Lets the message go on. */
  static allow(): Decision {
    return PLAIN;
  }

  /** Answers the client with a status from 400 to 599. */
  static block(status: i32): Decision {
    const block = new Block();
    block.status = <u16> status;
    const verdict = new Verdict(Verdict.BLOCK);
    verdict.block = block;
    return Decision.of(verdict);
  }

  /** Answers 403. */
  static deny(): Decision {
    return Decision.block(403);
  }

  /** Answers 401. */
  static unauthorized(): Decision {
    return Decision.block(401);
  }

  /** Answers 429. */
  static rateLimited(): Decision {
    return Decision.block(429);
  }

  /** Sends the client elsewhere, with status 301, 302, 303, 307 or 308. */
  static redirect(location: string, status: i32 = 302): Decision {
    const redirect = new Redirect();
    redirect.status = <u16> status;
    redirect.location = Text.of(location);
    const verdict = new Verdict(Verdict.REDIRECT);
    verdict.redirect = redirect;
    return Decision.of(verdict);
  }

  /** Sends the client elsewhere for good. */
  static redirectPermanent(location: string): Decision {
    return Decision.redirect(location, 301);
  }

  /** Asks the client for a proof: `basic`, `bearer`, or a kind that a page of the proxy knows. */
  static challenge(kind: string): Decision {
    const challenge = new Challenge();
    challenge.kind = Text.of(kind);
    const verdict = new Verdict(Verdict.CHALLENGE);
    verdict.challenge = challenge;
    return Decision.of(verdict);
  }

  private static of(verdict: Verdict): Decision {
    const decision = new Decision();
    const outcome = new Outcome();
    outcome.decision = verdict;
    decision.outcome = outcome;
    return decision;
  }

  /** Text of the answer to a blocked request. */
  withBody(body: string): Decision {
    this.block().body = Text.of(body);
    return this;
  }

  /** JSON as the answer to a blocked request. */
  withJsonBody(json: string): Decision {
    return this.withBody(json).withBlockHeader("content-type", "application/json");
  }

  /** A header of the answer to a blocked request. */
  withBlockHeader(name: string, value: string): Decision {
    const block = this.block();
    block.headers = appended<Header>(block.headers, headerOf(name, value));
    return this;
  }

  /** A parameter of a challenge, such as `realm`. */
  withParam(name: string, value: string): Decision {
    const outcome = this.outcome;
    const verdict: Verdict | null = outcome === null ? null : outcome.decision;
    const challenge: Challenge | null = verdict === null ? null : verdict.challenge;
    if (challenge === null) throw new Error("only a challenge has parameters");
    challenge.params = appended<Header>(challenge.params, headerOf(name, value));
    return this;
  }

  /** Puts a header in place of all lines of that name, on the request. */
  setRequestHeader(name: string, value: string): Decision {
    return this.editRequest(setting(name, value));
  }

  /** Adds a header line to the request. */
  addRequestHeader(name: string, value: string): Decision {
    return this.editRequest(adding(name, value));
  }

  /** Removes all lines of a header from the request. */
  removeRequestHeader(name: string): Decision {
    return this.editRequest(removing(name));
  }

  /** Puts a header in place of all lines of that name, on the response. */
  setResponseHeader(name: string, value: string): Decision {
    return this.editResponse(setting(name, value));
  }

  /** Adds a header line to the response. */
  addResponseHeader(name: string, value: string): Decision {
    return this.editResponse(adding(name, value));
  }

  /** Removes all lines of a header from the response. */
  removeResponseHeader(name: string): Decision {
    return this.editResponse(removing(name));
  }

  /** Sends the request to another path and query. */
  withTarget(target: string): Decision {
    const decision = this.own();
    decision.outcome!.target = Text.of(target);
    return decision;
  }

  /** Sends the request with another method. */
  withMethod(method: string): Decision {
    const decision = this.own();
    decision.outcome!.method = Text.of(method);
    return decision;
  }

  /** A note for the agents after this one, for logs and for routing. */
  withMetadata(key: string, value: string): Decision {
    const decision = this.own();
    const outcome = decision.outcome!;
    outcome.metadata = appended<Header>(outcome.metadata, headerOf(key, value));
    return decision;
  }

  /** Waits with everything until `onRequestBody` has decided. */
  needsMore(): Decision {
    const decision = this.own();
    decision.outcome!.needsMore = true;
    return decision;
  }

  /** A word for the log, to search by. */
  withTag(tag: string): Decision {
    return this.withTagText(Text.of(tag));
  }

  /** The same from text as it lies in memory. */
  withTagText(tag: Text): Decision {
    const decision = this.own();
    const audit = decision.audit();
    audit.tags = appended<Text>(audit.tags, tag);
    return decision;
  }

  /** The rule that led to this. */
  withRuleId(id: string): Decision {
    return this.withRuleIdText(Text.of(id));
  }

  /** The same from text as it lies in memory. */
  withRuleIdText(id: Text): Decision {
    const decision = this.own();
    const audit = decision.audit();
    audit.ruleIds = appended<Text>(audit.ruleIds, id);
    return decision;
  }

  /** Why, as a word that programs know. */
  withReasonCode(code: string): Decision {
    const decision = this.own();
    const audit = decision.audit();
    audit.reasonCodes = appended<Text>(audit.reasonCodes, Text.of(code));
    return decision;
  }

  /** How sure the agent is, from 0 to 1. */
  withConfidence(confidence: f32): Decision {
    const decision = this.own();
    decision.audit().confidence = new Some<f32>(confidence);
    return decision;
  }

  /** A fact of the agent's own for the log. */
  withAudit(key: string, value: string): Decision {
    return this.withAuditText(Text.of(key), Text.of(value));
  }

  /** The same from text as it lies in memory. */
  withAuditText(key: Text, value: Text): Decision {
    const decision = this.own();
    const audit = decision.audit();
    const fact = new Header();
    fact.name = key;
    fact.value = value;
    audit.custom = appended<Header>(audit.custom, fact);
    return decision;
  }

  /** Whether nothing was said but "allow". */
  get isPlain(): bool {
    return this.outcome === null;
  }

  /** This decision, or a new "allow" in place of the one that everybody shares. */
  private own(): Decision {
    if (this.outcome !== null) return this;
    const decision = new Decision();
    decision.outcome = new Outcome();
    return decision;
  }

  private audit(): Audit {
    const outcome = this.outcome!;
    let audit = outcome.audit;
    if (audit === null) {
      audit = new Audit();
      outcome.audit = audit;
    }
    return audit;
  }

  private block(): Block {
    const outcome = this.outcome;
    const verdict: Verdict | null = outcome === null ? null : outcome.decision;
    const block: Block | null = verdict === null ? null : verdict.block;
    if (block === null) throw new Error("only a blocked request has a body and headers of its own");
    return block;
  }

  private editRequest(edit: HeaderEdit): Decision {
    const decision = this.own();
    const outcome = decision.outcome!;
    outcome.requestHeaders = appended<HeaderEdit>(outcome.requestHeaders, edit);
    return decision;
  }

  private editResponse(edit: HeaderEdit): Decision {
    const decision = this.own();
    const outcome = decision.outcome!;
    outcome.responseHeaders = appended<HeaderEdit>(outcome.responseHeaders, edit);
    return decision;
  }
}

const PLAIN = new Decision();

function setting(name: string, value: string): HeaderEdit {
  const edit = new HeaderEdit(HeaderEdit.SET);
  edit.set = headerOf(name, value);
  return edit;
}

function adding(name: string, value: string): HeaderEdit {
  const edit = new HeaderEdit(HeaderEdit.ADD);
  edit.add = headerOf(name, value);
  return edit;
}

function removing(name: string): HeaderEdit {
  const edit = new HeaderEdit(HeaderEdit.REMOVE);
  edit.remove = Text.of(name);
  return edit;
}
