/** Rule files in a folder, and the verbs `waf` of the program. */

import { main } from "../../src/cli/program.ts";

/** Rules that look at an argument, at the body and at a header, behind a score. */
export const RULES = String.raw`SecRule ARGS "@rx (?i)evil(\d*)" \
    "id:10,phase:2,pass,log,capture,t:none,t:urlDecodeUni,msg:'Evil words',severity:CRITICAL,\
    logdata:'Matched Data: %{TX.0} found within %{MATCHED_VAR_NAME}',\
    setvar:tx.inbound_anomaly_score=+5,tag:'paranoia-level/1'"
SecRule REQUEST_HEADERS:X-Probe "@streq on" "id:11,phase:1,pass,nolog,setvar:tx.probe=1"
SecRule REQUEST_METHOD "@streq POST" "id:12,phase:2,pass,nolog,chain"
    SecRule ARGS_POST:a "@contains bad" "setvar:tx.inbound_anomaly_score=+9"
SecRule REQBODY_ERROR|MULTIPART_STRICT_ERROR "!@eq 0" "id:13,phase:2,deny,status:400,msg:'Broken body'"
SecRule TX:inbound_anomaly_score "@ge 5" "id:20,phase:2,deny,status:406,log,msg:'Too much'"
`;

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A folder with rule files, and the program. */
export class Stage implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async make(files: Readonly<Record<string, string>> = { "a.conf": RULES }): Promise<Stage> {
    const stage = new Stage(await Deno.makeTempDir());
    for (const [name, text] of Object.entries(files)) {
      await Deno.mkdir(`${stage.folder}/${name}`.replace(/\/[^/]*$/, ""), { recursive: true });
      await Deno.writeTextFile(`${stage.folder}/${name}`, text);
    }
    return stage;
  }

  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  async waf(...args: readonly string[]): Promise<Outcome> {
    const texts = { out: "", err: "" };
    const status = await main(["waf", ...args], {
      out: (text) => texts.out += `${text}\n`,
      err: (text) => texts.err += `${text}\n`,
      env: () => undefined,
      color: false,
    });
    return { status, ...texts };
  }

  check(...names: readonly string[]): Promise<Outcome> {
    return this.waf("check", ...names.map((name) => this.path(name)));
  }

  explain(...args: readonly string[]): Promise<Outcome> {
    return this.waf("explain", "--rules", this.path("a.conf"), ...args);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
