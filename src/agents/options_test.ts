import { deepEqual, equal, match, throws } from "node:assert/strict";
import { agentOptions, readAgent } from "../../tests/support/fake_agent.ts";
import { agentDefaults, instancesMax } from "./options.ts";

Deno.test("agent: defaults", () => {
  const given = agentOptions();
  const { fuel, configureFuel, memory, maxResultBytes, maxListLength, timeoutMs, slowCallMs } = given;
  deepEqual({ fuel, configureFuel, memory, maxResultBytes, maxListLength, timeoutMs, slowCallMs }, {
    fuel: 10_000_000,
    configureFuel: 100_000_000,
    memory: 64 * 1024 * 1024,
    maxResultBytes: 262_144,
    maxListLength: 1024,
    timeoutMs: 1000,
    slowCallMs: 20,
  });
  deepEqual([given.mode, given.isolation, given.failureMode, given.fuelAccounting], [
    "live",
    "shared",
    "open",
    "loop",
  ]);
  deepEqual(given.circuitBreaker, {
    failureThreshold: 5,
    successThreshold: 2,
    timeoutSecs: 30,
    halfOpenMaxRequests: 1,
  });
  deepEqual(given.quarantine, { traps: 10, windowSecs: 60, retrySecs: 60 });
  deepEqual([given.config, given.events, given.grant, given.assets], ["{}", [], [], []]);
  deepEqual([given.requestBodyMode, given.responseBodyMode, given.chunkTimeoutMs], [
    "buffer",
    "buffer",
    5000,
  ]);
  equal(instancesMax(given), 4);
  equal(instancesMax(agentOptions(`isolation "reset"`)), 32);
  equal(instancesMax(agentOptions(`isolation "fresh"\nmax-instances 7`)), 7);
  deepEqual(agentDefaults("waf", "a.wasm"), given);
  throws(() => agentDefaults("a b", "a.wasm"), /spaces/);
});

Deno.test("agent: every option, and the reference's spellings", () => {
  const given = agentOptions(`
    type "rate_limit"
    sha256 "${"Ab".repeat(32)}"
    mode "shadow"
    events "request_headers" "request-body" "log" "web_socket_frame"
    failure-mode "fail_closed"
    request-body-mode "stream"
    response-body-mode "hybrid:32KB"
    memory "1MB"
    grant "kv" "conn_info" "fetch" "assets"
    fetch { allow "https://a.example:8443" "http://[::1]/"; timeout-ms 5; max-response-bytes "2KB" }
    assets { rules "rules/a.txt" }
    kv { max-entries 3; max-bytes 4096 }
    circuit-breaker { recovery-timeout-secs 3 }
  `);
  deepEqual(given.events, ["request-headers", "request-body", "request-complete", "websocket-frame"]);
  deepEqual([given.type, given.mode, given.failureMode], ["rate_limit", "shadow", "closed"]);
  deepEqual([given.requestBodyMode, given.responseBodyMode], ["stream", "hybrid:32768"]);
  deepEqual(given.grant, ["kv", "conn-info", "fetch", "assets"]);
  deepEqual(given.fetch, {
    allow: ["https://a.example:8443", "http://[::1]/"],
    timeoutMs: 5,
    maxResponseBytes: 2048,
  });
  deepEqual(given.assets, [["rules", "rules/a.txt"]]);
  equal(given.circuitBreaker.timeoutSecs, 3);
  deepEqual(agentOptions(`response-body-mode "hybrid"`).responseBodyMode, "hybrid:65536");
});

Deno.test("agent: what is refused", () => {
  const table: readonly { body: string; want: RegExp }[] = [
    { body: "", want: /agent "waf" needs "wasm"/ },
    { body: `unix-socket "/run/a.sock"`, want: /"unix-socket" is not available.*WebAssembly component/ },
    { body: `grpc "http://a"`, want: /"grpc" is not available.*wasm/ },
    { body: `http "http://a"`, want: /"http" is not available.*wasm/ },
    { body: `transport { unix-socket "/run/a.sock" }`, want: /"transport" is not available/ },
    { body: `wasm "a"\npool { connections-per-agent 4 }`, want: /"pool" is not available.*max-instances/ },
    { body: `wasm "a"\nprotocol-version 2`, want: /"protocol-version" is not available/ },
    { body: `wasm "a"\nsha256 "12"`, want: /64 hexadecimal digits/ },
    { body: `wasm "a"\nevents "request-header"`, want: /did you mean "request-headers"/ },
    { body: `wasm "a"\ngrant "kvv"`, want: /did you mean "kv"/ },
    { body: `wasm "a"\ngrant "fetch"`, want: /no origin may be asked/ },
    { body: `wasm "a"\nfetch { allow "https://a.b" }`, want: /no effect without the grant/ },
    { body: `wasm "a"\ngrant "fetch"\nfetch { allow "https://a.b/path" }`, want: /must be an origin/ },
    { body: `wasm "a"\nassets { a "b" }`, want: /no effect without the grant/ },
    { body: `wasm "a"\nmax-instances 0`, want: /1 to 256/ },
    { body: `wasm "a"\nmax-instances 257`, want: /1 to 256/ },
    { body: `wasm "a"\nmemory 65535`, want: /65536/ },
    { body: `wasm "a"\ntimeout-ms 0`, want: /from 1/ },
    { body: `wasm "a"\nrequest-body-mode "hybrid:x"`, want: /hybrid:65536/ },
    { body: `wasm "a"\nrequest-body-mode "hybrid:2MB"`, want: /more than "max-request-body-bytes"/ },
    { body: `wasm "a"\nfuel 2000000001`, want: /1000 to 2000000000/ },
  ];
  for (const { body, want } of table) {
    const { problems } = readAgent(body);
    equal(problems.length, 1, `${body}: ${problems.join(" | ")}`);
    match(problems[0]!, want);
  }
});
