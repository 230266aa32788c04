/**
 * Says what it sees, and does each thing that an agent can do when a request asks for it. A tour of the SDK: every
 * hook is here, with the shortest use of it. Nothing of it belongs on a public site.
 */

import {
  BodyDecision,
  Chunk,
  CloseReason,
  Config,
  Decision,
  Description,
  detectionOf,
  field,
  Finding,
  FrameDecision,
  Health,
  label,
  log,
  metrics,
  Range,
  Reason,
  Request,
  Response,
  Severity,
  Subject,
  Summary,
  WebSocketFrame,
} from "sentinel";

/** Set by the configuration. What is kept here lasts as long as this instance, which is not the only one. */
let greeting = "hello";
let status = 403;
let isVerbose = false;
let isDraining = false;

/** Who the agent is; the id is its name in logs and metrics. */
export function describe(): Description {
  return new Description("echo", "1.0.0", "Shows every hook and every decision of an agent");
}

/** Reads the `config` block. Names that nobody asks for are reported by the SDK. */
export function onConfigure(config: Config): void {
  greeting = config.string("greeting", greeting);
  status = config.integer("status", status, new Range(400, 599));
  isVerbose = config.flag("verbose");
  if (greeting.length == 0) config.problem("must not be empty", "greeting");
}

/** Decides about a request before it is sent. */
export function onRequest(request: Request): Decision {
  const path = request.path;
  if (path == "/block") {
    return Decision.block(status).withBody("Blocked by echo\n").withBlockHeader("x-echo", greeting)
      .withRuleId("echo-block").withReasonCode("ASKED_FOR").withTag("demo").withConfidence(1);
  }
  if (path == "/redirect") return Decision.redirect("/elsewhere", 307);
  if (path == "/challenge") return Decision.challenge("basic").withParam("realm", "echo");
  if (path == "/rewrite") return Decision.allow().withTarget("/rewritten?from=echo").withMethod("GET");
  if (path == "/wait") return Decision.allow().needsMore();
  const seen = request.hasHeader("x-echo") ? request.header("x-echo")! : "nobody";
  return Decision.allow()
    .setRequestHeader("x-echo", greeting)
    .addRequestHeader("x-echo-seen", seen)
    .removeRequestHeader("x-echo-secret")
    .setResponseHeader("x-echo-request", request.method + " " + path)
    .withMetadata("greeting", greeting)
    .withAudit("host", request.host);
}

/** Sees a request's body: in one piece, or piece by piece when the agent is set to stream. */
export function onRequestBody(_request: Request, chunk: Chunk): BodyDecision {
  const text = chunk.text;
  if (text == "drop") return BodyDecision.drop();
  if (text == "block") return BodyDecision.decide(Decision.deny().withRuleId("echo-body"));
  if (text == "shout") {
    return BodyDecision.replaceText(text.toUpperCase()).with(Decision.allow().withTag("shouted"));
  }
  return BodyDecision.keep();
}

/** Decides about a response before the client sees it. */
export function onResponse(_request: Request, response: Response): Decision {
  if (response.isServerError) return Decision.block(502).withJsonBody('{"error":"the origin failed"}');
  return Decision.allow().addResponseHeader("x-echo-status", response.status.toString());
}

/** Sees a response's body. */
export function onResponseBody(_request: Request, response: Response, chunk: Chunk): BodyDecision {
  if (!response.isJson || !chunk.isWhole) return BodyDecision.keep();
  return BodyDecision.replaceText('{"echo":' + chunk.text + "}");
}

/** Hears how a request ended. */
export function onRequestComplete(request: Request, summary: Summary): void {
  metrics.add("requests", 1, [label("class", (summary.status / 100).toString() + "xx")]);
  if (isVerbose) {
    log.info("Request is over", [field("id", request.id), field("status", summary.status.toString())]);
  }
}

/** Decides about a WebSocket before it is opened. */
export function onWebSocketOpen(request: Request): Decision {
  return request.path == "/block" ? Decision.deny() : Decision.allow();
}

/** Decides about each frame. */
export function onWebSocketFrame(_request: Request, frame: WebSocketFrame): FrameDecision {
  if (!frame.isText) return FrameDecision.allow();
  const text = frame.text;
  if (text == "ping") return FrameDecision.answerText("pong");
  if (text == "drop") return FrameDecision.drop();
  if (text == "bye") return FrameDecision.close(1000, greeting);
  if (text.startsWith("shout ")) return FrameDecision.replaceText(text.substring(6).toUpperCase());
  return FrameDecision.allow();
}

/** Hears that a WebSocket is closed. */
export function onWebSocketClose(_request: Request, reason: CloseReason | null): void {
  metrics.add("websockets", 1, [label("code", reason === null ? "none" : reason.code.toString())]);
}

/** Looks for what must not be in a prompt. */
export function onGuardrailInspect(subject: Subject): Finding {
  const content = subject.content.toString();
  if (!content.includes("secret")) return Finding.clean();
  return Finding.clean()
    .withDetection(detectionOf("secret", "The word itself", Severity.LOW), 0.5)
    .withRedacted(content.replaceAll("secret", "******"));
}

/** Says whether the agent is well. */
export function onHealth(): Health {
  return isDraining ? Health.unhealthy("draining") : Health.healthy(greeting);
}

/** No new request will come. */
export function onDrain(_reason: u8): void {
  isDraining = true;
}

/** The last call. */
export function onShutdown(reason: u8): void {
  if (isVerbose) log.info(reason == Reason.REPLACED ? "Replaced" : "Gone");
}
