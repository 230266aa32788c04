import assert from "node:assert/strict";
import { retry } from "../../tests/support/proxy_rig.ts";
import { RetryPolicy } from "./retry_policy.ts";

Deno.test("retry policy: a tunnel that has begun is no answer to be dropped, whatever the statuses", () => {
  const policy = new RetryPolicy(retry({ retryableStatusCodes: [[100, 599]] }), null);
  for (const [status, want] of [[100, true], [101, false], [102, true], [599, true]] as const) {
    assert.equal(policy.repeatsStatus(status), want, `${status}`);
  }
});
