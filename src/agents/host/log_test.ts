import { deepEqual, equal } from "node:assert/strict";
import type { LogLevel } from "../contract/sentinel_types.ts";
import { hostFixture } from "../../../tests/support/host_fixture.ts";
import { LOG_LIMITS, logCapability, type LogLimits } from "./log.ts";

function agentLog(logLimits: Partial<LogLimits> = {}) {
  const fixture = hostFixture({ logLimits });
  return { ...fixture, log: logCapability.create(fixture.deps) };
}

Deno.test("log: a line with the agent's id; its keys cannot pass for the proxy's", () => {
  const { log, lines, metered } = agentLog();
  log.write("warn", "hit", [{ key: "rule", value: "942100" }, { key: "agent", value: "other" }]);
  log.write("info", "", [{ key: "__proto__", value: "x" }]);
  deepEqual(lines, [
    {
      level: "warn",
      message: "hit",
      fields: { agent: "waf", "agent.rule": "942100", "agent.agent": "other" },
    },
    { level: "info", message: "", fields: { agent: "waf", "agent.__proto__": "x" } },
  ]);
  deepEqual(metered, ["call log 23", "call log 10"]);
});

Deno.test("log: control characters arrive at the log, which escapes them", () => {
  const { log, lines } = agentLog();
  log.write("info", "a\nb\u001b[31m", []);
  equal(lines[0]!.message, "a\nb\u001b[31m");
});

Deno.test("log: text below, at and above its bounds", () => {
  const { log, lines } = agentLog({ messageCharsMax: 4, keyCharsMax: 3, valueCharsMax: 5 });
  for (const length of [3, 4, 5]) {
    log.write("info", "m".repeat(length), [{ key: "k".repeat(length - 1), value: "v".repeat(length + 1) }]);
  }
  deepEqual(lines.map(({ message, fields }) => [message, fields]), [
    ["mmm", { agent: "waf", "agent.kk": "vvvv" }],
    ["mmmm", { agent: "waf", "agent.kkk": "vvvvv" }],
    ["mmmm[cut]", { agent: "waf", "agent.kkk[cut]": "vvvvv[cut]" }],
  ]);
});

Deno.test("log: fields below, at and above their number; doubles and what does not fit are counted", () => {
  const { log, lines, metered } = agentLog({ fieldsMax: 2, lineCharsMax: 40 });
  const field = (key: string, value = "v") => ({ key, value });
  log.write("info", "m", [field("a")]);
  log.write("info", "m", [field("a"), field("b")]);
  log.write("info", "m", [field("a"), field("b"), field("c")]);
  log.write("info", "m", [field("a"), field("a", "w")]);
  log.write("info", "m", [field("long", "v".repeat(100)), field("b")]);
  deepEqual(lines.map((line) => line.fields), [
    { agent: "waf", "agent.a": "v" },
    { agent: "waf", "agent.a": "v", "agent.b": "v" },
    { agent: "waf", "agent.a": "v", "agent.b": "v", fields_left_out: 1 },
    { agent: "waf", "agent.a": "v", fields_left_out: 1 },
    { agent: "waf", "agent.b": "v", fields_left_out: 1 },
  ]);
  equal(metered.filter((line) => line === "refused log fields").length, 3);
});

Deno.test("log: lines beyond the rate are left out, told of once and counted on the next line", () => {
  const { log, lines, metered, time } = agentLog({ linesPerSecond: 10, linesBurst: 3 });
  const write = () => log.write("info", "m", []);
  for (let i = 0; i < 8; i++) write();
  deepEqual(lines.map((line) => line.level), ["info", "info", "info", "warn"]);
  deepEqual(lines[3]!.fields, { agent: "waf", lines_per_second: 10 });
  equal(metered.filter((line) => line === "refused log rate").length, 5);
  time.nowMs += 99;
  write();
  equal(lines.length, 4, "just before the next token");
  time.nowMs += 1;
  write();
  deepEqual(lines[4], { level: "info", message: "m", fields: { agent: "waf", lines_left_out: 6 } });
  time.nowMs += 60_000;
  write();
  deepEqual(lines[5]!.fields, { agent: "waf" }, "told once");
  for (let i = 0; i < 8; i++) write();
  equal(lines.length, 9, "the burst is as large as before, and the next time is told of, too");
});

Deno.test("log: levels below the least one are not written and cost nothing", () => {
  const levels: readonly LogLevel[] = ["debug", "info", "warn", "error"];
  for (const levelMin of levels) {
    const { log, lines } = agentLog({ levelMin, linesBurst: 4 });
    for (let i = 0; i < 10; i++) {
      for (const level of levels.slice(0, levels.indexOf(levelMin))) log.write(level, "m", []);
    }
    for (const level of levels) log.write(level, "m", []);
    deepEqual(lines.map((line) => line.level), levels.slice(levels.indexOf(levelMin)));
  }
});

Deno.test("log: the defaults hold when nothing is said", () => {
  const fixture = hostFixture();
  const log = logCapability.create(fixture.deps);
  for (let i = 0; i <= LOG_LIMITS.linesBurst; i++) log.write("debug", "m", []);
  equal(fixture.lines.length, LOG_LIMITS.linesBurst + 1, "the last one tells of the rate");
  equal(fixture.lines.at(-1)!.level, "warn");
});
