import { deepEqual, equal } from "node:assert/strict";
import type { HostMeter } from "../agents/host/capability.ts";
import type { AgentMeter } from "../agents/runtime/agent_meter.ts";
import { AgentMeters } from "./agent_meters.ts";
import { expositionText } from "./exposition.ts";
import { MetricsRegistry } from "./metrics.ts";

function rig(prefix = "sentinel_agent_") {
  const registry = new MetricsRegistry();
  const meters = new AgentMeters(registry);
  /** Samples that are not 0, without the prefix; of histograms only sum and count. */
  const samples = (name: string) => {
    return expositionText(registry.snapshot(), "prometheus").split("\n")
      .filter((line) => line.startsWith(`${prefix}${name}`) && !/ 0$|_bucket/.test(line))
      .map((line) => line.slice(prefix.length));
  };
  return { registry, meters, samples };
}

Deno.test("AgentMeters: a call, its verdict, fuel and time", () => {
  const { meters, samples } = rig();
  const meter: AgentMeter = meters.of("waf");
  meter.called("request-headers", 1200, 0.5);
  meter.called("request-headers", 300, 1.5);
  meter.decided("request-headers", "allow");
  meter.decided("request-headers", "block");
  meter.slow("request-headers");
  deepEqual(samples("calls"), ['calls_total{agent="waf",event="request-headers"} 2']);
  deepEqual(samples("verdicts"), [
    'verdicts_total{agent="waf",event="request-headers",verdict="allow"} 1',
    'verdicts_total{agent="waf",event="request-headers",verdict="block"} 1',
  ]);
  deepEqual(samples("latency_seconds"), [
    'latency_seconds_sum{agent="waf",event="request-headers"} 0.002',
    'latency_seconds_count{agent="waf",event="request-headers"} 2',
  ]);
  deepEqual(samples("call_fuel_units"), [
    'call_fuel_units_sum{agent="waf",event="request-headers"} 1500',
    'call_fuel_units_count{agent="waf",event="request-headers"} 2',
  ]);
  deepEqual(samples("fuel_units_total"), ['fuel_units_total{agent="waf"} 1500']);
  deepEqual(samples("slow_calls"), ['slow_calls_total{agent="waf",event="request-headers"} 1']);
});

Deno.test("AgentMeters: traps cost fuel and are calls; what never reached the agent is neither", () => {
  const { meters, samples } = rig();
  const meter: AgentMeter = meters.of("waf");
  const kinds = ["fuel", "memory", "stack", "unreachable", "malformed", "denied", "host"] as const;
  for (const kind of kinds) meter.failed("request-body", kind, { fuel: 10, ms: 1 });
  for (const kind of ["busy", "paused", "quarantined", "absent"] as const) {
    meter.failed("request-body", kind, { fuel: 0, ms: 0 });
  }
  meter.failed("request-body", "timeout", { fuel: 5, ms: 1000 });
  const at = 'agent="waf",event="request-body"';
  deepEqual(samples("traps"), kinds.map((kind) => `traps_total{${at},kind="${kind}"} 1`));
  deepEqual(samples("failures"), [
    `failures_total{${at},kind="busy"} 1`,
    `failures_total{${at},kind="paused"} 1`,
    `failures_total{${at},kind="quarantined"} 1`,
    `failures_total{${at},kind="absent"} 1`,
    `failures_total{${at},kind="timeout"} 1`,
  ]);
  deepEqual(samples("timeouts"), [`timeouts_total{${at}} 1`]);
  deepEqual(samples("calls"), [`calls_total{${at}} 8`]);
  deepEqual(samples("fuel_units_total"), ['fuel_units_total{agent="waf"} 75']);
  deepEqual(samples("verdicts"), [`verdicts_total{${at},verdict="failed"} 12`]);
});

Deno.test("AgentMeters: what a firewall found, with a bound on rules", () => {
  const { meters, samples } = rig("sentinel_waf_");
  const meter: AgentMeter = meters.of("waf");
  meter.found(["942100", "949110"], "block");
  meter.found(["942100"], "detected");
  meter.found(["a\n"], "pass");
  deepEqual(samples("rule_matches"), [
    'rule_matches_total{agent="waf",rule_id="942100"} 2',
    'rule_matches_total{agent="waf",rule_id="949110"} 1',
    'rule_matches_total{agent="waf",rule_id="other"} 1',
  ]);
  deepEqual(samples("transactions"), [
    'transactions_total{agent="waf",verdict="block"} 1',
    'transactions_total{agent="waf",verdict="detected"} 1',
    'transactions_total{agent="waf",verdict="pass"} 1',
  ]);
  meter.found(Array.from({ length: 1500 }, (_, id) => String(id)), "pass");
  equal(samples("rule_matches").length, 1001);
});

Deno.test("AgentMeters: skipped bodies, shadow agreement, instances", () => {
  const { meters, samples } = rig();
  const meter: AgentMeter = meters.of("waf");
  meter.skipped("request-body", "too-large");
  meter.compared("agrees");
  meter.compared("stricter");
  meter.created();
  meter.created();
  meter.discarded("trap");
  meter.wasReset();
  const at = 'agent="waf",event="request-body"';
  deepEqual(samples("body_skips"), [`body_skips_total{${at},reason="too-large"} 1`]);
  deepEqual(samples("verdicts"), [`verdicts_total{${at},verdict="skipped"} 1`]);
  deepEqual(samples("shadow"), [
    'shadow_calls_total{agent="waf",agreement="agrees"} 1',
    'shadow_calls_total{agent="waf",agreement="stricter"} 1',
  ]);
  deepEqual(samples("instance"), [
    'instances_created_total{agent="waf"} 2',
    'instances_discarded_total{agent="waf",reason="trap"} 1',
    'instance_resets_total{agent="waf"} 1',
  ]);
});

Deno.test("AgentMeters: what an agent holds, and what the breaker says", () => {
  const { meters, samples } = rig();
  const meter = meters.of("waf");
  const holds = { instances: 3, memoryBytes: 65536, breaker: "half-open", outOfService: true } as const;
  meter.holds(holds);
  deepEqual(samples("instances{"), ['instances{agent="waf"} 3']);
  deepEqual(samples("memory"), ['memory_bytes{agent="waf"} 65536']);
  deepEqual(samples("circuit"), ['circuit_breaker_state{agent="waf"} 1']);
  deepEqual(samples("out_of"), ['out_of_service{agent="waf"} 1']);
  meter.holds({ ...holds, breaker: "open", outOfService: false });
  deepEqual(samples("circuit"), ['circuit_breaker_state{agent="waf"} 2']);
  deepEqual(samples("out_of"), []);
});

Deno.test("AgentMeters: counts outlive a reload; agents that are gone do not", () => {
  const { meters, samples } = rig();
  meters.of("a").created();
  meters.of("b").called("guardrail", 1, 1);
  equal(meters.of("a"), meters.of("a"));
  meters.retain(new Set(["a"]));
  meters.of("a").created();
  deepEqual(samples(""), ['instances_created_total{agent="a"} 2']);
  meters.of("b").created();
  deepEqual(samples("instances_created"), [
    'instances_created_total{agent="a"} 2',
    'instances_created_total{agent="b"} 1',
  ]);
});

Deno.test("AgentMeters: what an agent asks of the proxy", () => {
  const { meters, samples } = rig();
  const meter: Omit<HostMeter, "work"> = meters.of("waf").host;
  meter.call("kv", 40);
  meter.call("kv", 0);
  meter.answer("kv", 100);
  meter.refused("log", "rate");
  deepEqual(samples("host"), [
    'host_calls_total{agent="waf",capability="kv"} 2',
    'host_bytes_total{agent="waf",capability="kv",direction="to-host"} 40',
    'host_bytes_total{agent="waf",capability="kv",direction="to-agent"} 100',
    'host_refusals_total{agent="waf",capability="log",reason="rate"} 1',
  ]);
});
