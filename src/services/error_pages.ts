import type { ServiceType } from "../core/context.ts";
import type { ErrorPagesConfig } from "../core/error_pages_options.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import { wireText } from "../core/wire_text.ts";
import { statusText } from "../http1/status_text.ts";
import { type Offer, preferredFormat } from "./accept.ts";
import { textResponse } from "./answers.ts";
import { ERROR_HTML } from "./error_html.ts";
import { escapeJson, escapeMarkup, escapePlain } from "./escape.ts";
import { Template } from "./template.ts";

/** Forms that an error answer can have. */
export type ErrorFormat = "html" | "json" | "text" | "xml";

/** What goes into one error answer. */
export interface ErrorAnswer {
  readonly status: number;
  /** Chooses the message, and is shown to programs. */
  readonly code?: ErrorCode | undefined;
  readonly requestId: string;
  /** The request's Accept header. */
  readonly accept: string | undefined;
  /** Unix time in milliseconds. */
  readonly wallMs: number;
}

/** Answers that the proxy gives by itself when something went wrong, in the form that the client reads best. */
export interface ErrorPages {
  /** The whole response. HEAD is the caller's business. */
  render(answer: ErrorAnswer): Response;
}

const PLACES = ["status", "title", "message", "request_id", "timestamp"] as const;
type Place = typeof PLACES[number];
type Values = Readonly<Record<Place, string>>;
type PageConfig = ErrorPagesConfig["pages"][number];

interface Page extends PageConfig {
  readonly filled: Template<Place> | undefined;
}

interface Form extends Offer<ErrorFormat> {
  readonly contentType: string;
  readonly escape: (text: string) => string;
  readonly page: (values: Values, code: ErrorCode | undefined) => string;
}

const HTML_PAGE = new Template(ERROR_HTML, PLACES);
const XML_PAGE = new Template(
  `<?xml version="1.0" encoding="UTF-8"?>
<error>
  <status>{{status}}</status>
  <title>{{title}}</title>
  <message>{{message}}</message>
  <requestId>{{request_id}}</requestId>
  <timestamp>{{timestamp}}</timestamp>
</error>
`,
  PLACES,
);
const TEXT_PAGE = new Template(
  "{{status}} {{title}}\n\n{{message}}\n\nRequest ID: {{request_id}}\nTimestamp: {{timestamp}}\n",
  PLACES,
);

const FORMS: Readonly<Record<ErrorFormat, Form>> = {
  html: {
    format: "html",
    mediaTypes: ["text/html", "application/xhtml+xml"],
    contentType: "text/html; charset=utf-8",
    escape: escapeMarkup,
    page: (values) => HTML_PAGE.fill(values),
  },
  json: {
    format: "json",
    mediaTypes: ["application/json", "application/problem+json"],
    contentType: "application/json; charset=utf-8",
    escape: escapeJson,
    page: jsonPage,
  },
  text: {
    format: "text",
    mediaTypes: ["text/plain"],
    contentType: "text/plain; charset=utf-8",
    escape: escapePlain,
    page: (values) => TEXT_PAGE.fill(values),
  },
  xml: {
    format: "xml",
    mediaTypes: ["application/xml", "text/xml"],
    contentType: "application/xml; charset=utf-8",
    escape: escapeMarkup,
    page: (values) => XML_PAGE.fill(values),
  },
};

/** Values come escaped for JSON. */
function jsonPage(values: Values, code: ErrorCode | undefined): string {
  const lines = [
    `"status": ${values.status}`,
    `"title": "${values.title}"`,
    `"message": "${values.message}"`,
    ...(code === undefined ? [] : [`"code": "${code}"`]),
    `"request_id": "${values.request_id}"`,
    `"timestamp": ${values.timestamp}`,
  ];
  return `{\n  ${lines.join(",\n  ")}\n}\n`;
}

/** What people are told where no error code says it better. */
const MESSAGES: Readonly<Record<number, string>> = {
  400: "The request could not be understood",
  401: "Authentication is required",
  403: "Access to this resource is not allowed",
  404: "The requested resource was not found",
  405: "The method is not allowed for this resource",
  408: "The request took too long to arrive",
  413: "The request body is too large",
  429: "Too many requests; try again later",
  500: "An internal error occurred",
  502: "The upstream server sent an invalid response",
  503: "The service is temporarily unavailable",
  504: "The upstream server did not answer in time",
};

/** Makes the error pages of one route, or of requests without a route. */
export function createErrorPages(options: {
  readonly serviceType: ServiceType;
  readonly config?: ErrorPagesConfig | undefined;
}): ErrorPages {
  const first = options.config?.defaultFormat ?? defaultFormat(options.serviceType);
  const others = Object.values(FORMS).filter((form) => form.format !== first);
  const offers: [Form, ...Form[]] = [FORMS[first], ...others];
  const pages = new Map<string, Page>();
  for (const page of options.config?.pages ?? []) {
    const filled = page.template === undefined ? undefined : new Template(page.template, PLACES);
    pages.set(page.status.toLowerCase(), { ...page, filled });
  }
  let likedBy: string | undefined;
  let liked = first;
  /** Clients mostly send the same header as the one before. */
  const preferred = (accept: string | undefined) => {
    if (accept === likedBy) return liked;
    likedBy = accept;
    return liked = preferredFormat(accept, offers);
  };
  return {
    render(answer) {
      const page = pages.get(String(answer.status)) ?? pages.get(`${Math.trunc(answer.status / 100)}xx`);
      // A template is written in one form, so it cannot follow what the client would rather have.
      const format = page?.format ?? (page?.filled && first) ?? preferred(answer.accept);
      return respond(answer, FORMS[format], page);
    },
  };
}

function defaultFormat(serviceType: ServiceType): ErrorFormat {
  return serviceType === "web" || serviceType === "static" ? "html" : "json";
}

function respond(answer: ErrorAnswer, form: Form, page: Page | undefined): Response {
  const { status, code, requestId } = answer;
  const message = page?.message ?? (code === undefined ? MESSAGES[status] : ERRORS[code].text);
  const values: Values = {
    status: String(status),
    title: form.escape(statusText(status) || "Error"),
    message: form.escape(message ?? `An error occurred (HTTP ${status})`),
    request_id: form.escape(requestId),
    timestamp: String(Math.trunc(answer.wallMs / 1000)),
  };
  const text = page?.filled?.fill(values) ?? form.page(values, code);
  const response = textResponse(status, text, [
    ["Content-Type", form.contentType],
    ["Cache-Control", "no-store"],
    ["X-Request-Id", requestId],
  ]);
  for (const [name, value] of page?.headers ?? []) response.headers.set(name, wireText(value));
  return response;
}
