import assert from "node:assert/strict";
import { DOWNSTREAM } from "../../tests/support/connection_rig.ts";
import { RequestContext } from "../core/context.ts";
import { ProxyError } from "../core/errors.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import type { Answer, Filter } from "../filters/filter.ts";
import { Chain, type FailureMode } from "./chain.ts";

function context(): RequestContext {
  const headers = HeaderList.from([["Host", "a"]]);
  return new RequestContext({
    head: { method: "GET", target: "/", host: "a", authority: "a", minor: 1, headers },
    body: null,
    downstream: { ...DOWNSTREAM },
    startedMs: 0,
    bodyBytesMax: Infinity,
  });
}

function response(): Response {
  return { status: 200, reason: "", headers: new HeaderList(), body: null };
}

function chain(filters: readonly Filter[], mode: FailureMode = "closed"): Chain {
  const links = filters.map((filter, i) => ({ id: `f${i}`, type: "test", filter }));
  return new Chain(links, mode, () => {});
}

/** A filter that notes when it is called. */
function noting(name: string, calls: string[], answer?: Answer): Filter {
  return {
    onRequest: () => {
      calls.push(`${name} request`);
      return answer;
    },
    onResponse: () => void calls.push(`${name} response`),
    onEnd: () => void calls.push(`${name} end`),
  };
}

Deno.test("chain: forwards for requests, backwards for responses, and only those that saw the request", async () => {
  const calls: string[] = [];
  const answer = { response: response(), reason: "test" };
  const filters = chain([noting("a", calls), noting("b", calls, answer), noting("c", calls)]);
  const request = context();
  assert.equal(await filters.request(request), answer);
  await filters.response(request, answer.response);
  filters.end(request);
  assert.deepEqual(calls, ["a request", "b request", "b response", "a response", "b end", "a end"]);
});

Deno.test("chain: headers are kept as they were received where a filter asks for them", () => {
  assert.equal(chain([{}, { needsReceived: false }]).needsReceived, false);
  assert.equal(chain([{}, { needsReceived: true }, {}]).needsReceived, true);
});

Deno.test("chain: synchronous filters are not awaited", () => {
  const filters = chain([{ onRequest: () => undefined }, { onResponse: () => {} }]);
  const request = context();
  assert.equal(filters.request(request) instanceof Promise, false);
  assert.equal(filters.response(request, response()) instanceof Promise, false);
});

Deno.test("chain: a filter that fails refuses the request, or is passed over where the route fails open", async (t) => {
  const ways: { name: string; filter: Filter }[] = [
    {
      name: "throws",
      filter: {
        onRequest: () => {
          throw new Error("broken");
        },
      },
    },
    { name: "rejects", filter: { onRequest: () => Promise.reject(new Error("broken")) } },
  ];
  for (const { name, filter } of ways) {
    await t.step(`${name}, closed`, async () => {
      const run = async () => await chain([filter]).request(context());
      await assert.rejects(run, (error) => error instanceof ProxyError && error.code === "filter_failed");
    });
    await t.step(`${name}, open`, async () => {
      const calls: string[] = [];
      assert.equal(await chain([filter, noting("next", calls)], "open").request(context()), undefined);
      assert.deepEqual(calls, ["next request"]);
    });
  }
  await t.step("a response filter, closed", async () => {
    const filters = chain([{
      onRequest: () => undefined,
      onResponse: () => {
        throw new Error("broken");
      },
    }]);
    const request = context();
    await filters.request(request);
    await assert.rejects(async () => await filters.response(request, response()), /broken/);
  });
  await t.step("an answer in the form of an error counts in either mode", async () => {
    const refusing: Filter = {
      onRequest: () => {
        throw new ProxyError("overloaded", "full");
      },
    };
    const run = async () => await chain([refusing], "open").request(context());
    await assert.rejects(run, (error) => error instanceof ProxyError && error.code === "overloaded");
  });
});
