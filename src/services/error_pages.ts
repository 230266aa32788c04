import type { ServiceType } from "../core/context.ts";
import type { ErrorPagesConfig } from "../core/error_pages_options.ts";
import { type ErrorCode, ERRORS } from "../core/errors.ts";
import type { Response } from "../core/message.ts";
import { wireText } from "../core/wire_text.ts";
import { statusText } from "../http1/status_text.ts";
import { type Offer, preferredFormat } from "./accept.ts";
import { bytesResponse } from "./answers.ts";
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

const encoder = new TextEncoder();

const PLACES = ["status", "title", "message", "request_id", "timestamp"] as const;
type Place = typeof PLACES[number];
/** Places whose text is another one for each request. */
type RequestPlace = "request_id" | "timestamp";
type PageConfig = ErrorPagesConfig["pages"][number];

interface Page extends PageConfig {
  readonly filled: Template<Place> | undefined;
}

interface Form extends Offer<ErrorFormat> {
  readonly contentType: string;
  readonly escape: (text: string) => string;
  readonly page: (code: ErrorCode | undefined) => Template<Place>;
}

/** All answers of one status, code and form, but for what each request adds. */
interface Prepared {
  readonly form: Form;
  readonly page: Page | undefined;
  readonly text: Template<RequestPlace>;
  /** The same for requests whose identifier is as the proxy makes them. */
  readonly bytes: ReturnType<Template<RequestPlace>["encoded"]>;
}

/** Prepared answers that are kept. An agent or an upstream may think of many statuses; few are in use at a time. */
const PREPARED_MAX = 32;

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
    page: () => HTML_PAGE,
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
    page: () => TEXT_PAGE,
  },
  xml: {
    format: "xml",
    mediaTypes: ["application/xml", "text/xml"],
    contentType: "application/xml; charset=utf-8",
    escape: escapeMarkup,
    page: () => XML_PAGE,
  },
};

/** Values come escaped for JSON; a code is a word that needs no escape. */
function jsonPage(code: ErrorCode | undefined): Template<Place> {
  const lines = [
    `"status": {{status}}`,
    `"title": "{{title}}"`,
    `"message": "{{message}}"`,
    ...(code === undefined ? [] : [`"code": "${code}"`]),
    `"request_id": "{{request_id}}"`,
    `"timestamp": {{timestamp}}`,
  ];
  return new Template(`{\n  ${lines.join(",\n  ")}\n}\n`, PLACES);
}

/** Identifiers as the proxy makes them, which are the same in every form. */
const PLAIN_ID = /^[\w-]*$/;

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
  const prepared = new Map<string, Prepared>();
  const preparedFor = (answer: ErrorAnswer) => {
    const { status, code } = answer;
    const accepted = preferred(answer.accept);
    const key = `${status} ${accepted} ${code ?? ""}`;
    const known = prepared.get(key);
    if (known !== undefined) return known;
    if (prepared.size === PREPARED_MAX) prepared.clear();
    const page = pages.get(String(status)) ?? pages.get(`${Math.trunc(status / 100)}xx`);
    // A template is written in one form, so it cannot follow what the client would rather have.
    const format = page?.format ?? (page?.filled && first) ?? accepted;
    const made = prepare(answer, FORMS[format], page);
    prepared.set(key, made);
    return made;
  };
  return { render: (answer) => respond(answer, preparedFor(answer)) };
}

function defaultFormat(serviceType: ServiceType): ErrorFormat {
  return serviceType === "web" || serviceType === "static" ? "html" : "json";
}

function prepare({ status, code }: ErrorAnswer, form: Form, page: Page | undefined): Prepared {
  const message = page?.message ?? (code === undefined ? MESSAGES[status] : ERRORS[code].text);
  const text = (page?.filled ?? form.page(code)).bind({
    status: String(status),
    title: form.escape(statusText(status) || "Error"),
    message: form.escape(message ?? `An error occurred (HTTP ${status})`),
  });
  return { form, page, text, bytes: text.encoded() };
}

function respond(answer: ErrorAnswer, { form, page, text, bytes }: Prepared): Response {
  const { status, requestId } = answer;
  const timestamp = String(Math.trunc(answer.wallMs / 1000));
  const body = PLAIN_ID.test(requestId)
    ? bytes.fill({ request_id: requestId, timestamp })
    : encoder.encode(text.fill({ request_id: form.escape(requestId), timestamp }));
  const response = bytesResponse(status, body, [
    ["Content-Type", form.contentType],
    ["Cache-Control", "no-store"],
    ["X-Request-Id", requestId],
  ]);
  for (const [name, value] of page?.headers ?? []) response.headers.set(name, wireText(value));
  return response;
}
