/** The SecLang around the rules: what the suite's own test environment sets. */

/** How the rule set is to be run. */
export interface CrsSettings {
  /** Folder with `crs-setup.conf.example` and `rules/`. */
  readonly folder: string;
  readonly engine: "On" | "DetectionOnly";
  readonly paranoiaLevel: 1 | 2 | 3 | 4;
  /** Limits on arguments and files that the regression tests count on, and checks that are off by default. */
  readonly forTests: boolean;
}

/** Directives for the body parsers and their errors, as every installation has them. Rule ids are the customary ones. */
const ENGINE = `SecRequestBodyAccess On
SecRequestBodyLimit 13107200
SecRequestBodyNoFilesLimit 131072
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 512
SecResponseBodyAccess On
SecResponseBodyMimeType text/plain text/html text/xml application/json
SecResponseBodyLimit 524288
SecResponseBodyLimitAction ProcessPartial
SecArgumentSeparator &
SecCookieFormat 0
SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\\+|/)|text/)xml" \\
    "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" \\
    "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" \\
    "id:200002,phase:2,t:none,log,deny,status:400,msg:'The body cannot be parsed',severity:2"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" \\
    "id:200003,phase:2,t:none,log,deny,status:400,msg:'The multipart body is not well-formed'"
SecRule MULTIPART_UNMATCHED_BOUNDARY "@eq 1" \\
    "id:200004,phase:2,t:none,log,deny,msg:'The multipart body has an unmatched boundary'"
`;

/** Directives to stand before the rules, without those that say where the audit log goes. */
export function setupDirectives(settings: CrsSettings): string {
  const variables = [
    `tx.blocking_paranoia_level=${settings.paranoiaLevel}`,
    ...(settings.forTests
      ? [
        "tx.crs_validate_utf8_encoding=1",
        "tx.arg_name_length=100",
        "tx.arg_length=400",
        "tx.total_arg_length=6400",
        "tx.max_file_size=64100",
        "tx.combined_file_sizes=65535",
      ]
      : []),
  ];
  return `SecRuleEngine ${settings.engine}
${ENGINE}
SecAction "id:900005,phase:1,nolog,pass,${variables.map((each) => `setvar:'${each}'`).join(",")}"
`;
}

/** Files to include, in this order, after the directives. */
export function ruleFiles({ folder }: CrsSettings): string[] {
  const names = [...Deno.readDirSync(`${folder}/rules`)].map((each) => each.name);
  const rules = names.filter((each) => each.endsWith(".conf")).sort();
  return [
    `${folder}/crs-setup.conf.example`,
    ...rules.map((each) => `${folder}/rules/${each}`),
  ];
}
