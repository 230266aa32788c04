import assert from "node:assert/strict";
import { FakeTime } from "../../tests/support/fake_socket.ts";
import { request } from "../../tests/support/proxy_rig.ts";
import { HeaderList } from "../core/headers.ts";
import type { Response } from "../core/message.ts";
import { createFallbackService } from "./fallback.ts";
import type { FallbackOptions } from "./fallback_options.ts";
import type { Service } from "./service.ts";

const answering = (status: number): Service => ({
  serve: (): Response => ({ status, reason: "", headers: new HeaderList(), body: null }),
});

Deno.test("fallback: goes on after the statuses it is told, but never from a tunnel that has begun", async () => {
  const time = new FakeTime();
  const options = {
    upstreams: [{ id: "second", skipIfUnhealthy: false }],
    triggers: { onHealthFailure: true, onConnectionError: true, onErrorCodes: [[100, 599]] },
    maxAttempts: 1,
    maxBodyBytes: 0,
    responseHeaders: false,
  } as unknown as FallbackOptions;
  for (const [status, want] of [[503, 200], [101, 101]] as const) {
    const service = createFallbackService({
      options,
      service: answering(status),
      upstreams: [{
        id: "second",
        service: answering(200),
        skipIfUnhealthy: false,
        isAvailable: () => true,
      }],
      clock: time,
      timers: time,
      meter: { attempt() {}, success() {}, exhausted() {} },
    });
    assert.equal((await service.serve(request())).status, want);
  }
});
