/**
 * A web application firewall that runs rules of ModSecurity's language, such as the OWASP Core Rule Set. Rule files are
 * assets, and the options say in which order they are read; without any, a small rule set of its own protects.
 */

import { BodyDecision, Chunk, Config, Decision, Description, Request, Response, Summary } from "sentinel";
import { readSetup } from "./engine/configuration";
import {
  finishRequest,
  judgeRequest,
  judgeRequestBody,
  judgeResponse,
  judgeResponseBody,
  useSetup,
} from "./engine/firewall";

export function describe(): Description {
  return new Description(
    "waf",
    "1.0.0",
    "Runs ModSecurity rules such as the OWASP Core Rule Set",
  );
}

export function onConfigure(config: Config): void {
  useSetup(readSetup(config));
}

export function onRequest(request: Request): Decision {
  return judgeRequest(request);
}

export function onRequestBody(request: Request, chunk: Chunk): BodyDecision {
  return judgeRequestBody(request, chunk);
}

export function onResponse(request: Request, response: Response): Decision {
  return judgeResponse(request, response);
}

export function onResponseBody(
  request: Request,
  response: Response,
  chunk: Chunk,
): BodyDecision {
  return judgeResponseBody(request, response, chunk);
}

export function onRequestComplete(request: Request, _summary: Summary): void {
  finishRequest(request);
}
