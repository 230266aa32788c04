import { deepEqual, ok } from "node:assert/strict";
import { response } from "../../testing/messages.ts";
import { wafWith } from "../testing/waf_agent.ts";

/** Shows `TX:out`, and looks at the request, so that it does not come out the same for every one. */
const SHOWN = `SecRule REQUEST_METHOD "@rx ." "id:999,phase:1,pass,log,msg:'%{tx.out}'"`;

const SET = `SecAction "id:1,phase:1,pass,nolog,setvar:tx.level=2"`;
const SHOW_LEVEL = `SecAction "id:2,phase:1,pass,nolog,setvar:tx.out=%{tx.level}"`;

const CASES: readonly {
  readonly about: string;
  readonly rules: string;
  readonly target?: string;
  readonly options?: Record<string, unknown>;
  readonly want: readonly (readonly [id: number, msg: string])[];
}[] = [
  { about: "setup", rules: `${SET}\n${SHOW_LEVEL}\n${SHOWN}`, want: [[999, "2"]] },
  {
    about: "setup behind a rule that looks at the request",
    rules:
      `SecRule ARGS:a "@rx ." "id:5,phase:1,pass,nolog,ctl:requestBodyLimit=5"\n${SET}\n${SHOW_LEVEL}\n${SHOWN}`,
    want: [[999, "2"]],
  },
  {
    about: "setup behind a rule that sets the same variable",
    rules:
      `SecRule ARGS:a "@rx ." "id:5,phase:1,pass,nolog,setvar:tx.level=9"\nSecRule &TX:level "@eq 0" "id:1,phase:1,pass,nolog,setvar:tx.level=2"\n${SHOW_LEVEL}\n${SHOWN}`,
    target: "/?a=1",
    want: [[999, "9"]],
  },
  {
    about: "setup behind a rule that may take it away",
    rules:
      `SecRule ARGS:a "@rx ." "id:5,phase:1,pass,nolog,ctl:ruleRemoveById=1"\n${SET}\n${SHOW_LEVEL}\n${SHOWN}`,
    target: "/?a=1",
    want: [[999, ""]],
  },
  {
    about: "setup behind a rule that may jump over it",
    rules:
      `SecRule ARGS:a "@rx ." "id:5,phase:1,pass,nolog,skipAfter:END"\n${SET}\nSecMarker END\n${SHOW_LEVEL}\n${SHOWN}`,
    target: "/?a=1",
    want: [[999, ""]],
  },
  {
    about: "setup that an exclusion takes away for a path",
    rules: `${SET}\n${SHOW_LEVEL}\n${SHOWN}`,
    target: "/spare/1",
    options: { exclusions: [{ ids: ["1"], path: "/spare" }] },
    want: [[999, ""]],
  },
  {
    about: "the same on another path",
    rules: `${SET}\n${SHOW_LEVEL}\n${SHOWN}`,
    target: "/other",
    options: { exclusions: [{ ids: ["1"], path: "/spare" }] },
    want: [[999, "2"]],
  },
  {
    about: "a jump that comes out the same each time",
    rules:
      `${SET}\nSecRule TX:level "@lt 3" "id:6,phase:1,pass,nolog,skipAfter:END"\nSecAction "id:7,phase:1,pass,nolog,setvar:tx.level=7"\nSecRule ARGS:a "@rx ." "id:8,phase:1,pass,log"\nSecMarker END\n${SHOW_LEVEL}\n${SHOWN}`,
    target: "/?a=1",
    want: [[999, "2"]],
  },
  {
    about: "a rule that only jumps, over nothing that is left",
    rules:
      `SecRule TX:none "@lt 3" "id:6,phase:1,pass,nolog,skipAfter:END"\nSecMarker END\n${SET}\n${SHOW_LEVEL}\n${SHOWN}`,
    want: [[999, "2"]],
  },
  {
    about: "a rule that jumps by number, over one that does nothing",
    rules:
      `SecRule ARGS:a "@rx ." "id:6,phase:1,pass,nolog,skip:2"\nSecRule ARGS:b "@rx ." "id:7,phase:1,pass,nolog"\nSecRule ARGS:a "@rx ." "id:8,phase:1,pass,log,msg:'8'"\n${SET}\n${SHOW_LEVEL}\n${SHOWN}`,
    target: "/?a=1",
    want: [[999, "2"]],
  },
  {
    about: "what does nothing but fill MATCHED_VAR stays when somebody asks for it",
    rules:
      `SecRule ARGS:a "@rx ." "id:6,phase:1,pass,nolog"\nSecAction "id:7,phase:1,pass,nolog,setvar:'tx.out=%{MATCHED_VAR}'"\n${SHOWN}`,
    target: "/?a=5",
    want: [[999, "5"]],
  },
  {
    about: "what does nothing but capture stays",
    rules:
      `SecRule ARGS:a "@rx (.)" "id:6,phase:1,pass,nolog,capture"\nSecRule ARGS:a "@rx ." "id:7,phase:1,pass,nolog,setvar:'tx.out=%{TX.1}'"\n${SHOWN}`,
    target: "/?a=5",
    want: [[999, "5"]],
  },
  {
    about: "setup that is to be logged is logged",
    rules: `SecAction "id:1,phase:1,pass,log,auditlog,msg:'set',setvar:tx.level=2"\n${SHOW_LEVEL}\n${SHOWN}`,
    want: [[1, "set"], [999, "2"]],
  },
  {
    about: "the option trace shows rules that do nothing, and setup",
    rules:
      `${SET}\nSecRule TX:level "@lt 3" "id:6,phase:1,pass,nolog,skipAfter:END"\nSecMarker END\n${SHOW_LEVEL}\n${SHOWN}`,
    options: { trace: true },
    want: [[1, ""], [6, ""], [2, ""], [999, "2"]],
  },
];

Deno.test("foregone: rules that need not run change no outcome", async () => {
  for (const { about, rules, target = "/", options = {}, want } of CASES) {
    const waf = await wafWith(rules, { config: options });
    for (let round = 0; round < 2; round++) {
      const { matches } = await waf.judge(target);
      deepEqual(matches.map(({ id, msg }) => [id, msg]), want, `${about}, round ${round}`);
    }
  }
});

const RESPONSE_CASES: readonly {
  readonly about: string;
  readonly rules: string;
  readonly type?: string;
  readonly body?: string;
  readonly want: string;
  readonly ids?: readonly number[];
}[] = [
  {
    about: "bodies of responses are not read",
    rules: 'SecRule RESPONSE_BODY "@contains x" "id:1,phase:4,deny,status:502"',
    body: "x",
    want: "allow",
  },
  {
    about: "a rule has them read",
    rules:
      'SecAction "id:2,phase:1,pass,nolog,ctl:responseBodyAccess=On"\nSecRule RESPONSE_BODY "@contains x" "id:1,phase:4,deny,status:502"',
    body: "x",
    want: "block 502",
    ids: [1],
  },
  {
    about: "a chain about such a body changes a variable before",
    rules:
      'SecRule RESPONSE_STATUS "@streq 500" "id:1,phase:3,pass,nolog,setvar:tx.seen=1,chain"\nSecRule RESPONSE_BODY "@contains x"\nSecRule TX:seen "@eq 1" "id:2,phase:4,deny,status:503"',
    want: "block 503",
    ids: [2],
  },
  {
    about: "scores of responses count",
    rules:
      'SecRule RESPONSE_STATUS "@streq 500" "id:1,phase:3,pass,nolog,setvar:tx.out=+5"\nSecRule TX:out "@ge 5" "id:2,phase:4,deny,status:503"',
    want: "block 503",
    ids: [2],
  },
  {
    about: "scores that nothing can raise",
    rules:
      'SecAction "id:3,phase:1,pass,nolog,setvar:tx.out=0"\nSecRule RESPONSE_BODY "@contains x" "id:1,phase:4,pass,nolog,setvar:tx.out=+5"\nSecRule TX:out "@ge 5" "id:2,phase:4,deny,status:503"',
    body: "x",
    want: "allow",
  },
  {
    about: "a body of a type that is not looked at",
    rules:
      'SecResponseBodyAccess On\nSecAction "id:3,phase:1,pass,nolog,setvar:tx.out=0"\nSecRule RESPONSE_BODY "@contains x" "id:1,phase:4,pass,nolog,setvar:tx.out=+5"\nSecRule TX:out "@ge 5" "id:2,phase:4,deny,status:503"',
    type: "image/png",
    body: "x",
    want: "allow",
  },
  {
    about: "such a body, and a chain that changes a variable before it comes to it",
    rules:
      'SecResponseBodyAccess On\nSecRule RESPONSE_STATUS "@streq 500" "id:1,phase:3,pass,nolog,setvar:tx.seen=1,chain"\nSecRule RESPONSE_BODY "@contains x"\nSecRule TX:seen "@eq 1" "id:2,phase:4,deny,status:503"',
    type: "image/png",
    want: "block 503",
    ids: [2],
  },
  {
    about: "such a body, and what a rule found in the request",
    rules:
      'SecResponseBodyAccess On\nSecRule REQUEST_METHOD "@streq GET" "id:3,phase:1,pass,nolog,setvar:tx.out=5"\nSecRule RESPONSE_BODY "@contains x" "id:1,phase:4,pass,nolog,setvar:tx.out=+5"\nSecRule TX:out "@ge 5" "id:2,phase:4,deny,status:503"',
    type: "image/png",
    want: "block 503",
    ids: [2],
  },
  {
    about: "such a body, and a rule that stands for others taken away by the request",
    rules:
      'SecResponseBodyAccess On\nSecAction "id:3,phase:1,pass,nolog,setvar:tx.out=0"\nSecRule TX:out "@eq 0" "id:4,phase:3,pass,nolog,skipAfter:END"\nSecRule RESPONSE_STATUS "@streq 500" "id:1,phase:3,deny,status:503"\nSecMarker END\nSecRule REQUEST_METHOD "@streq GET" "id:5,phase:1,pass,nolog,ctl:ruleRemoveById=4"',
    type: "image/png",
    want: "block 503",
    ids: [1],
  },
  {
    about: "a body is asked for by its count",
    rules: 'SecRule &RESPONSE_BODY "@eq 0" "id:1,phase:4,deny,status:504"',
    want: "block 504",
    ids: [1],
  },
];

Deno.test("foregone: what can be known of responses beforehand changes no outcome", async () => {
  for (const { about, rules, type = "text/html", body, want, ids = [] } of RESPONSE_CASES) {
    const waf = await wafWith(rules);
    for (let round = 0; round < 2; round++) {
      const message = waf.request("/");
      await waf.agent.onRequest(message);
      const answer = response(500, { "Content-Type": type });
      const verdict = await waf.judgeResponse(message, answer, body);
      await waf.agent.onRequestComplete(message);
      deepEqual([verdict.decision, verdict.ids], [want, ids], `${about}, round ${round}`);
    }
  }
});

Deno.test("foregone: a response whose body is not looked at costs next to nothing where rules see nothing else", async () => {
  const rules = Array.from(
    { length: 100 },
    (_, index) =>
      `SecRule RESPONSE_BODY "@rx a.*b${index}" "id:${10 + index},phase:4,pass,nolog,setvar:tx.out=+5"\n`,
  );
  const waf = await wafWith(
    `SecResponseBodyAccess On\nSecAction "id:3,phase:1,pass,nolog,setvar:tx.out=0"\n${
      rules.join("")
    }SecRule TX:out "@ge 5" "id:2,phase:4,deny,status:503"`,
  );
  const fuel = async (type: string) => {
    const message = waf.request("/");
    await waf.agent.onRequest(message);
    await waf.judgeResponse(message, response(200, { "Content-Type": type }));
    const used = waf.agent.fuelUsed;
    await waf.agent.onRequestComplete(message);
    return used;
  };
  await fuel("text/html");
  const [image, page] = [await fuel("image/png"), await fuel("text/html")];
  ok(2 * image < page, `${image} units for an image, ${page} for a page`);
});
