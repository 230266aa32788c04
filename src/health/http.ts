import type { HealthCheckKind } from "./check.ts";
import { exchange, hostOf } from "./http_exchange.ts";

/** Well is who answers a request with an expected status, and a body that holds what it should. */
export const httpCheck: HealthCheckKind<"http"> = {
  type: "http",
  summary: "The target answers a request with an expected status, and where configured an expected body.",
  async examine(dial, probe) {
    const { path, method = "GET", headers, expectedStatus, expectedBody } = probe.options;
    const request = { method, path, host: hostOf(probe), headers, body: undefined };
    const bodyBytesMax = expectedBody === undefined ? 0 : probe.options.maxBodySizeBytes;
    const answer = await exchange(await dial(), request, bodyBytesMax);
    if (!expectedStatus.some(([from, to]) => answer.status >= from && answer.status <= to)) {
      throw new Error(`status ${answer.status}`);
    }
    if (expectedBody !== undefined && !answer.text.includes(expectedBody)) {
      throw new Error(`the body does not hold "${expectedBody}"`);
    }
  },
};
