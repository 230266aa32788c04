import { deepEqual, equal, match, ok } from "node:assert/strict";
import { namedOrigin, OptionStage, type Place, receivedHeader } from "../support/option_stage.ts";
import { Authority, type Pair } from "../support/pki.ts";
import type { RawOrigin } from "../support/raw_origin.ts";
import { hasCommand } from "../support/servers.ts";
import { visit } from "../support/tls_client.ts";

const ignore = !(hasCommand("openssl") && hasCommand("curl")) && Deno.env.get("CI") === undefined;

/** Certificates of servers and clients, and where the lists and authorities lie. */
interface Certificates {
  readonly server: Pair;
  readonly authorities: string;
  readonly lists: string;
  readonly oldLists: string;
  readonly clients: Readonly<Record<string, Pair & { readonly chain?: string }>>;
}

async function certificates(folder: string): Promise<Certificates> {
  const root = await Authority.root(folder, "root");
  const stranger = await Authority.root(folder, "stranger");
  const inter = await root.intermediate("inter", { authority: { pathLength: 0 } });
  const tooDeep = await inter.intermediate("too-deep");
  const late = await root.intermediate("late", { authority: {}, from: -30, until: -1 });
  // Signs, though its certificate does not say that it may.
  const pretender = await root.intermediate("pretender", { authority: undefined });
  const clients = {
    valid: await root.issue("valid", {
      names: ["DNS:client.example", "URI:spiffe://example/client"],
      purpose: "clientAuth",
    }),
    rsa: await root.issue("rsa", { key: "rsa" }),
    expired: await root.issue("expired", { from: -30, until: -1 }),
    early: await root.issue("early", { from: 1, until: 30 }),
    stranger: await stranger.issue("stranger"),
    purpose: await root.issue("purpose", { purpose: "serverAuth" }),
    revoked: await root.issue("revoked"),
    sha1: await root.issue("sha1", { digest: "sha1" }),
    below: { ...await inter.issue("below"), chain: inter.pair.cert },
    bare: await inter.issue("bare"),
    revokedBelow: { ...await inter.issue("revoked-below"), chain: inter.pair.cert },
    deep: { ...await tooDeep.issue("deep"), chain: `${folder}/deep-chain.pem` },
    late: { ...await late.issue("late-client"), chain: late.pair.cert },
    noAuthority: { ...await pretender.issue("forged"), chain: pretender.pair.cert },
  };
  const read = (path: string) => Deno.readTextFile(path);
  await Deno.writeTextFile(
    `${folder}/deep-chain.pem`,
    await read(tooDeep.pair.cert) + await read(inter.pair.cert),
  );
  await root.revoke(clients.revoked);
  await inter.revoke(clients.revokedBelow);
  const lists = `${folder}/lists.pem`;
  await Deno.writeTextFile(lists, await root.list() + await inter.list());
  const oldLists = `${folder}/old-lists.pem`;
  await Deno.writeTextFile(oldLists, await root.list(-1));
  const server = await root.issue("www.example", { names: ["DNS:www.example"] });
  return { server, authorities: root.pair.cert, lists, oldLists, clients };
}

function config(place: Place, made: Certificates, originPort: number): string {
  const { server, authorities, lists, oldLists } = made;
  const base = `cert-file "${server.cert}"; key-file "${server.key}";`;
  const listener = (id: string, options: string) =>
    `listener "${id}" { address "127.0.0.1:${
      place.port(id)
    }"; protocol "https"; tls { ${base} ${options} }; }`;
  const asking = `ca-file "${authorities}";`;
  return `system { worker-threads 1; }
listeners {
  ${listener("required", `client-auth #true; ${asking} crl-file "${lists}"`)}
  ${listener("optional", `client-auth "optional"; ${asking} crl-file "${lists}"`)}
  ${listener("unlisted", `client-auth "optional"; ${asking}`)}
  ${listener("outdated", `client-auth "optional"; ${asking} crl-file "${oldLists}"`)}
  ${listener("open", "")}
  listener "plain" { address "127.0.0.1:${place.port("plain")}"; }
}
filters {
  filter "known" { type "client-certificate"; names "DNS:client.example"; }
}
routes {
  route "members" { matches { path-prefix "/members"; }; upstream "origin"; filters "known"; }
  route "all" { priority "low"; matches { path-prefix "/"; }; upstream "origin"; }
}
upstreams { upstream "origin" { target "127.0.0.1:${originPort}"; }; }
observability {
  metrics { address "127.0.0.1:${place.port("admin")}"; }
  logging { level "info"; format "text"; access-log { file "${place.folder}/access.log"; }; error-log { enabled #false; }; }
}
`;
}

const GOOD = "success";

/** What is made of each client; `unlisted` where no revocation list is asked. */
const CLIENTS: readonly { client: string; want: string; unlisted?: string }[] = [
  { client: "none", want: "none" },
  { client: "valid", want: GOOD },
  { client: "rsa", want: GOOD },
  { client: "expired", want: "failed:expired" },
  { client: "early", want: "failed:not_yet_valid" },
  { client: "stranger", want: "failed:unknown_issuer" },
  { client: "purpose", want: "failed:wrong_purpose" },
  { client: "revoked", want: "failed:revoked", unlisted: GOOD },
  { client: "sha1", want: "failed:unsupported" },
  { client: "below", want: GOOD },
  { client: "bare", want: "failed:unknown_issuer" },
  { client: "revokedBelow", want: "failed:revoked", unlisted: GOOD },
  { client: "deep", want: "failed:chain_too_long" },
  { client: "late", want: "failed:expired" },
  { client: "noAuthority", want: "failed:unknown_issuer" },
];

const request = (target: string, headers = "") =>
  `GET ${target} HTTP/1.1\r\nHost: www.example\r\n${headers}Connection: close\r\n\r\n`;

function argumentsOf(made: Certificates, client: string): string[] {
  if (client === "none") return [];
  const { cert, key, chain } = made.clients[client]!;
  // The client itself would not show what is weak.
  return [
    "-cipher",
    "DEFAULT:@SECLEVEL=0",
    "-cert",
    cert,
    "-key",
    key,
    ...(chain === undefined ? [] : ["-cert_chain", chain]),
  ];
}

interface Given {
  readonly stage: OptionStage;
  readonly origin: RawOrigin;
  readonly made: Certificates;
  readonly folder: string;
}

/** What the origin was told of the client's certificate. */
function told({ origin }: Given, name = "Verify"): string | undefined {
  return receivedHeader(origin.requests.at(-1), `X-Client-Cert-${name}`);
}

async function matrix(t: Deno.TestContext, given: Given): Promise<void> {
  const { stage, made, folder } = given;
  for (const { client, want, unlisted = want } of CLIENTS) {
    for (const version of ["-tls1_2", "-tls1_3"]) {
      await t.step(`${client}, ${version}`, async () => {
        const args = [version, ...argumentsOf(made, client)];
        const session = `${folder}/${client}.session`;
        const optional = await visit(stage.port("optional"), [...args, "-sess_out", session]);
        equal(optional.status, 200, optional.complaints);
        equal(told(given), want);
        equal(told(given, "Subject") !== undefined, want === GOOD, "only what is believed is told");
        equal((await visit(stage.port("unlisted"), args)).status, 200);
        equal(told(given), unlisted);
        const resumed = await visit(stage.port("optional"), [...args, "-sess_in", session]);
        equal(resumed.session, "Reused");
        equal(told(given), want, "a resumed session is judged too");
        const required = await visit(stage.port("required"), args);
        equal(required.status, want === GOOD ? 200 : 0);
        const slipped = await visit(stage.port("required"), [...args, "-sess_in", session]);
        equal(slipped.status, want === GOOD ? 200 : 0, "nor does a session of another listener help");
      });
    }
  }
}

const CASES: readonly { name: string; run(given: Given): Promise<void> }[] = [
  {
    name: "what upstreams are told",
    async run(given) {
      const { stage, made } = given;
      equal((await visit(stage.port("required"), argumentsOf(made, "valid"))).status, 200);
      deepEqual(
        [told(given, "Subject"), told(given, "Issuer"), told(given, "Names")],
        ["CN=valid,O=Example", "CN=root", "DNS:client.example,URI:spiffe://example/client"],
      );
      match(told(given, "Serial") ?? "", /^[0-9a-f]+$/);
      match(told(given, "Fingerprint") ?? "", /^[0-9a-f]{64}$/);
    },
  },
  {
    name: "clients cannot say it themselves",
    async run(given) {
      const { stage, origin } = given;
      const forgery = "X-Client-Cert-Verify: success\r\nx-client-cert-subject: CN=admin\r\n" +
        "X_Client_Cert_Subject: CN=admin\r\nX-Client-Cert-Other: stays\r\n";
      for (const listener of ["optional", "open"]) {
        equal((await visit(stage.port(listener), [], request("/", forgery))).status, 200);
        const { headers } = origin.requests.at(-1)!;
        const ours = headers.filter(([name]) => /^x.client.cert/i.test(name));
        const verify = listener === "open" ? [] : [["X-Client-Cert-Verify", "none"]];
        deepEqual(ours, [["X-Client-Cert-Other", "stays"], ...verify]);
      }
    },
  },
  {
    name: "nor over HTTP/2",
    async run({ stage, origin }) {
      const names = [
        "X-Client-Cert-Verify",
        "x-client-cert-verify",
        "x_client_cert_verify",
        "X-Client_Cert-Subject",
      ];
      const { stdout } = await new Deno.Command("curl", {
        args: [
          ...["-sk", "--http2", "-o", "/dev/null", "-w", "%{http_version} %{http_code}"],
          ...names.flatMap((name) => ["-H", `${name}: success`]),
          `https://127.0.0.1:${stage.port("optional")}/`,
        ],
      }).output();
      equal(new TextDecoder().decode(stdout), "2 200");
      const { headers } = origin.requests.at(-1)!;
      deepEqual(headers.filter(([name]) => /^x.client.cert/i.test(name)), [["X-Client-Cert-Verify", "none"]]);
    },
  },
  {
    name: "a route may ask for a certificate where the listener only offers",
    async run({ stage, made }) {
      const status = async (client: string) =>
        (await visit(stage.port("optional"), argumentsOf(made, client), request("/members/a"))).status;
      deepEqual([await status("none"), await status("rsa"), await status("expired")], [403, 403, 403]);
      equal(await status("valid"), 200);
    },
  },
  {
    name: "an outdated revocation list is no list",
    async run(given) {
      equal((await visit(given.stage.port("outdated"), argumentsOf(given.made, "valid"))).status, 200);
      equal(told(given), "failed:list_expired");
    },
  },
  {
    name: "the access log and the metrics know",
    async run({ stage }) {
      const metrics = await (await fetch(`http://127.0.0.1:${stage.port("admin")}/metrics`)).text();
      const counted = (reason: string) =>
        Number(new RegExp(`listener="required",reason="${reason}"\\} (\\d+)`).exec(metrics)?.[1] ?? 0);
      ok(counted("client_certificate_missing") > 0);
      ok(counted("client_certificate_rejected") > 0);
      match(
        metrics,
        /sentinel_tls_certificate_expiry_timestamp_seconds\{listener="open",file="[^"]+"\} \d{10}/,
      );
      stage.process.signal("SIGUSR1");
      await stage.process.said(/Log files reopened/);
      const log = await Deno.readTextFile(`${stage.folder}/access.log`);
      match(log, /"tls":\{"version":"TLSv1\.3","cipher":"TLS_AES_256_GCM_SHA384","resumed":true/);
      match(log, /"client":\{"verify":"success","subject":"CN=valid,O=Example"/);
      match(log, /"client":\{"verify":"expired"/);
    },
  },
];

Deno.test({
  name: "TLS: client certificates",
  ignore,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-mtls-" });
    try {
      await using origin = namedOrigin("origin");
      const made = await certificates(folder);
      await using stage = await OptionStage.start((place) => config(place, made, origin.port));
      const given = { stage, origin, made, folder };
      await matrix(t, given);
      for (const { name, run } of CASES) await t.step(name, () => run(given));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
