import assert from "node:assert/strict";
import type { AgentNote } from "../core/context.ts";
import { agentsJson, agentsText } from "./agents_field.ts";

const NOTES: readonly AgentNote[] = [
  { agent: "bot", verdict: "allow", shadow: false, ruleIds: [], fuel: 310 },
  { agent: "waf", verdict: "block", shadow: true, ruleIds: ["941100", '9"4'], fuel: 2610 },
];

Deno.test("agents field: JSON that parses, whatever the ids", () => {
  assert.deepEqual(JSON.parse(agentsJson(NOTES)), [
    { agent: "bot", verdict: "allow", fuel: 310 },
    { agent: "waf", verdict: "block", shadow: true, rules: ["941100", '9"4'], fuel: 2610 },
  ]);
});

Deno.test("agents field: text", () => {
  assert.equal(agentsText(NOTES), 'bot:allow:310,waf:(block)[941100,9"4]:2610');
});

Deno.test("agents field: rule ids are bounded", () => {
  const ruleIds = Array.from({ length: 20 }, (_, i) => `r${i}`);
  const [note] = JSON.parse(agentsJson([{ ...NOTES[0]!, ruleIds }]));
  assert.equal(note.rules.length, 16);
  assert.match(agentsText([{ ...NOTES[0]!, ruleIds }]), /,r15\]/);
});
