import assert from "node:assert/strict";
import type { ServiceType } from "../core/context.ts";
import type { ErrorPagesConfig } from "../core/error_pages_options.ts";
import type { BytesBody, Response } from "../core/message.ts";
import { preferredFormat } from "./accept.ts";
import { createErrorPages, type ErrorAnswer } from "./error_pages.ts";

function textOf(response: Response): string {
  return new TextDecoder().decode((response.body as BytesBody).read()!);
}

function render(answer: Partial<ErrorAnswer>, serviceType: ServiceType = "web", config?: ErrorPagesConfig) {
  return createErrorPages({ serviceType, config }).render({
    status: 404,
    requestId: "id-1",
    accept: undefined,
    wallMs: 1_700_000_000_900,
    ...answer,
  });
}

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

const CHOICES: readonly { name: string; accept?: string; first?: "html" | "json"; want: string }[] = [
  { name: "absent", want: "html" },
  { name: "anything", accept: "*/*", want: "html" },
  { name: "anything for a program", accept: "*/*", first: "json", want: "json" },
  { name: "a browser on an API", accept: BROWSER, first: "json", want: "html" },
  { name: "json", accept: "application/json", want: "json" },
  { name: "json first, then anything", accept: "application/json, text/plain, */*", want: "json" },
  { name: "qualities", accept: "application/json;q=0.5, text/plain;q=0.9", want: "text" },
  { name: "quality zero", accept: "text/html;q=0, */*", want: "json" },
  { name: "wildcard subtype", accept: "text/*;q=0.5, application/xml;q=0.4", want: "html" },
  { name: "an exact range over a wildcard", accept: "*/*;q=0.9, text/html;q=0.1", want: "json" },
  { name: "text/xml", accept: "text/xml", want: "xml" },
  { name: "nothing we have", accept: "image/png", want: "html" },
  { name: "nonsense", accept: ";;,q=1,/", want: "html" },
  { name: "case and space", accept: " Application/JSON ; Q=1", want: "json" },
  { name: "a broken quality", accept: "application/json;q=x", want: "html" },
];

Deno.test("the form follows Accept and the service type", async (t) => {
  const html = { format: "html", mediaTypes: ["text/html", "application/xhtml+xml"] } as const;
  const json = { format: "json", mediaTypes: ["application/json"] } as const;
  const rest = [
    { format: "text", mediaTypes: ["text/plain"] },
    { format: "xml", mediaTypes: ["application/xml", "text/xml"] },
  ] as const;
  for (const { name, accept, first = "html", want } of CHOICES) {
    await t.step(name, () => {
      const offers = first === "html" ? [html, json, ...rest] as const : [json, html, ...rest] as const;
      assert.equal(preferredFormat<string>(accept, [...offers]), want);
    });
  }
});

Deno.test("service types choose the form for clients that take anything", () => {
  const types = {
    web: "text/html",
    static: "text/html",
    api: "application/json",
    builtin: "application/json",
  };
  for (const [type, want] of Object.entries(types)) {
    assert.equal(render({}, type as ServiceType).headers.get("content-type"), `${want}; charset=utf-8`);
  }
});

Deno.test("JSON has the documented shape", () => {
  const response = render({ status: 429, code: "rate_limited" }, "api");
  assert.equal(response.status, 429);
  assert.equal(response.headers.get("x-request-id"), "id-1");
  assert.deepEqual(JSON.parse(textOf(response)), {
    status: 429,
    title: "Too Many Requests",
    message: "Rate limit exceeded",
    code: "rate_limited",
    request_id: "id-1",
    timestamp: 1_700_000_000,
  });
});

Deno.test("text and XML have the documented shape", () => {
  assert.equal(
    textOf(render({ accept: "text/plain", status: 503 })),
    "503 Service Unavailable\n\nThe service is temporarily unavailable\n\nRequest ID: id-1\nTimestamp: 1700000000\n",
  );
  assert.match(
    textOf(render({ accept: "application/xml", status: 418 })),
    /<error>\s*<status>418<\/status>\s*<title>Error<\/title>\s*<message>An error occurred \(HTTP 418\)<\/message>\s*<requestId>id-1</,
  );
});

Deno.test("what comes from outside cannot break out of any form", () => {
  const requestId = `<script>"'&\\\n`;
  assert.ok(!textOf(render({ requestId })).includes("<script>"));
  assert.equal(JSON.parse(textOf(render({ requestId, accept: "application/json" }))).request_id, requestId);
  assert.ok(textOf(render({ requestId, accept: "text/xml" })).includes("&lt;script&gt;&quot;&#39;&amp;"));
});

Deno.test("a route's own pages", async (t) => {
  const config: ErrorPagesConfig = {
    defaultFormat: "text",
    pages: [
      {
        status: "404",
        template: "<p>{{ status }} {{title}}: {{message}} {{other}} {{request_id}}</p>",
        headers: [],
      },
      {
        status: "503",
        format: "json",
        template: `{"m":"{{message}}","t":{{timestamp}}}`,
        message: `a "b"`,
        headers: [],
      },
      { status: "5xx", message: "Sorry", headers: [["Retry-After", "5"], ["Content-Type", "text/x"]] },
    ],
  };
  await t.step("a template in the default form, whatever the client accepts", () => {
    const response = render({ accept: "text/html", requestId: "<i>" }, "web", config);
    assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
    assert.equal(
      textOf(response),
      "<p>404 Not Found: The requested resource was not found {{other}} <i></p>",
    );
  });
  await t.step("a template in its own form, values escaped for it", () => {
    const response = render({ status: 503, code: "overloaded" }, "web", config);
    assert.equal(response.headers.get("content-type"), "application/json; charset=utf-8");
    assert.deepEqual(JSON.parse(textOf(response)), { m: 'a "b"', t: 1_700_000_000 });
  });
  await t.step("a class of statuses, with headers", () => {
    const response = render({ status: 502, accept: "application/json" }, "web", config);
    assert.equal(JSON.parse(textOf(response)).message, "Sorry");
    assert.equal(response.headers.get("retry-after"), "5");
    assert.deepEqual(response.headers.getAll("content-type"), ["text/x"]);
  });
  await t.step("other statuses take the default form", () => {
    assert.match(textOf(render({ status: 400 }, "web", config)), /^400 Bad Request\n/);
  });
});

Deno.test("what is made once for many requests says of each what is its own", () => {
  const pages = createErrorPages({ serviceType: "web" });
  const answer = (at: number, status: number, requestId: string) =>
    JSON.parse(textOf(pages.render({
      status,
      code: at % 2 === 0 ? "rate_limited" : undefined,
      requestId,
      accept: "application/json",
      wallMs: at * 1000,
    })));
  // More statuses than are kept, each met again after it was given up.
  for (let at = 0; at < 300; at++) {
    const status = 400 + at % 100;
    const requestId = at % 3 === 0 ? `id-${at}` : `ä"${at}`;
    const { code, ...rest } = answer(at, status, requestId);
    assert.equal(code, at % 2 === 0 ? "rate_limited" : undefined);
    assert.deepEqual([rest.status, rest.request_id, rest.timestamp], [status, requestId, at]);
  }
});

Deno.test("a body has the length of its UTF-8, and text put in is no template", () => {
  const config: ErrorPagesConfig = {
    pages: [{
      status: "403",
      template: "ü{{message}}ü{{request_id}}",
      message: "é{{timestamp}}",
      headers: [],
    }],
  };
  const pages = createErrorPages({ serviceType: "web", config });
  for (const requestId of ["id-1", "ñ"]) {
    const { body } = pages.render({ status: 403, requestId, accept: undefined, wallMs: 0 });
    const want = new TextEncoder().encode(`üé{{timestamp}}ü${requestId}`);
    assert.equal((body as BytesBody).length, want.length);
    assert.deepEqual((body as BytesBody).read(), want);
  }
});
