import { deepEqual, equal, match } from "node:assert/strict";
import { problemsOf, wafWith } from "../testing/waf_agent.ts";

const RULE = `SecRule ARGS:c "!@rx (?i)^(?:%{tx.known})$" "id:9,phase:2,deny"`;
const IF_UNSET = `SecRule &TX:known "@eq 0" "id:8,phase:1,pass,nolog,setvar:'tx.known=one|two'"`;

const SETUPS = [
  { name: "as the rules have it", before: "", met: ["one", "TWO"], missed: ["three", "", "onetwo"] },
  {
    name: "set before them",
    before: `SecAction "id:1,phase:1,pass,nolog,setvar:'tx.known=three'"\n`,
    met: ["three"],
    missed: ["one", "two"],
  },
  {
    name: "set for some requests",
    before: `SecRule REQUEST_URI "@beginsWith /x" "id:1,phase:1,pass,nolog,setvar:'tx.known=three'"\n`,
    met: ["one"],
    missed: ["three"],
  },
  {
    name: "taken away",
    before: "",
    after: 'SecAction "id:7,phase:1,pass,nolog,setvar:!tx.known"\n',
    met: [""],
    missed: ["one"],
  },
];

Deno.test("pattern choice: an expression with a variable is that of the variable's text", async () => {
  for (const { name, before, after = "", met, missed } of SETUPS) {
    const waf = await wafWith(`${before}${IF_UNSET}\n${after}${RULE}`);
    for (const value of met) equal((await waf.judge(`/?c=${value}`)).decision, "allow", `${name}: ${value}`);
    for (const value of missed) {
      equal((await waf.judge(`/?c=${value}`)).decision, "block 403", `${name}: ${value}`);
    }
    if (name === "set for some requests") equal((await waf.judge("/x?c=three")).decision, "allow");
  }
});

Deno.test("pattern choice: what is not known before requests come is refused", async () => {
  const refused = [
    'SecRule ARGS "@rx %{REQUEST_METHOD}" "id:1,phase:2,deny"',
    'SecRule ARGS "@rx %{tx.1}" "id:1,phase:2,deny"',
    'SecRule ARGS "@rx %{tx.a}%{tx.b}" "id:1,phase:2,deny"',
    `SecAction "id:2,phase:1,pass,nolog,setvar:'tx.a=%{ARGS.a}'"\nSecRule ARGS "@rx %{tx.a}" "id:1,phase:2,deny"`,
    `SecAction "id:2,phase:1,pass,nolog,setvar:tx.a=+1"\nSecRule ARGS "@rx %{tx.a}" "id:1,phase:2,deny"`,
    Array.from(
      { length: 33 },
      (_, index) => `SecAction "id:${100 + index},phase:1,pass,nolog,setvar:tx.a=x${index}"`,
    )
      .join("\n") + '\nSecRule ARGS "@rx %{tx.a}" "id:1,phase:2,deny"',
  ];
  for (const rules of refused) match((await problemsOf(rules)).join(), /one %\{tx\.…\} in it/, rules);
  const broken =
    `SecAction "id:2,phase:1,pass,nolog,setvar:'tx.a=(b'"\nSecRule ARGS "@rx ^%{tx.a}" "id:1,phase:2,deny"`;
  match((await problemsOf(broken)).join(), /cannot be used as \^\(b: the \( has no \)/);
});

Deno.test("rbl: never matches, and says so; the opposite of it is refused", async () => {
  const rule = 'SecRule REMOTE_ADDR "@rbl list.example" "id:1,phase:1,deny"';
  const waf = await wafWith(rule);
  equal((await waf.judge("/")).decision, "allow");
  match(waf.warnings.join(), /^test\.conf:1 @rbl never matches here/);
  match((await problemsOf(rule.replace("@rbl", "!@rbl"))).join(), /@rbl: is not supported/);
  deepEqual((await waf.judge("/")).ids, []);
});
