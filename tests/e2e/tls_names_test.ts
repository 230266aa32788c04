import { deepEqual, equal, match } from "node:assert/strict";
import { OptionStage, type Place } from "../support/option_stage.ts";
import { Authority, type Pair } from "../support/pki.ts";
import { hasCommand } from "../support/servers.ts";
import { alertOf, visit } from "../support/tls_client.ts";

const ignore = !(hasCommand("openssl") && hasCommand("curl")) && Deno.env.get("CI") === undefined;

interface Certificates {
  readonly ca: string;
  readonly standard: Pair;
  readonly rsa: Pair;
  readonly named: Pair;
  readonly wildcard: Pair;
  readonly idn: Pair;
  /** Has a name that another has too. */
  readonly prior: Pair;
}

async function certificates(folder: string): Promise<Certificates> {
  const root = await Authority.root(folder, "root");
  return {
    ca: root.pair.cert,
    standard: await root.issue("standard", { names: ["DNS:www.example", "IP:127.0.0.1"] }),
    rsa: await root.issue("standard-rsa", { names: ["DNS:www.example"], key: "rsa" }),
    named: await root.issue("named", { names: ["DNS:a.example", "DNS:b.example"] }),
    wildcard: await root.issue("wildcard", { names: ["DNS:*.wild.example"] }),
    idn: await root.issue("idn", { names: ["DNS:xn--bcher-kva.example"] }),
    prior: await root.issue("prior", { names: ["DNS:b.example"] }),
  };
}

const files = ({ cert, key }: Pair) => `cert-file "${cert}"; key-file "${key}";`;

function config(place: Place, { standard, rsa, named, wildcard, idn, prior }: Certificates): string {
  const listener = (id: string, options: string) =>
    `listener "${id}" { address "127.0.0.1:${place.port(id)}"; protocol "https"; tls { ${options} }; }`;
  const names = `
    sni { ${files(named)} }
    sni { hostnames "*.wild.example" "exact.wild.example"; ${files(wildcard)} }
    sni { hostnames "bücher.example"; ${files(idn)} }
    sni { priority-hostnames "b.example"; ${files(prior)} }`;
  return `system { worker-threads 1; }
listeners {
  ${listener("lenient", `${files(standard)} ${names}`)}
  ${listener("strict", `${files(standard)} unknown-name "refuse"; ${names}`)}
  ${listener("both", `${files(standard)} alternate { ${files(rsa)} }`)}
  ${listener("new", `${files(standard)} min-version "TLS1.3"`)}
  ${listener("old", `${files(standard)} max-version "TLS1.2"`)}
  ${
    listener(
      "suite",
      `${files(standard)} cipher-suite "TLS_AES_128_GCM_SHA256" "tls-ecdhe-ecdsa-with-aes-128-gcm-sha256"`,
    )
  }
}
routes { route "all" { matches { path-prefix "/"; }; service-type "builtin"; builtin-handler "health"; } }
observability { metrics { enabled #false; }; logging { level "warn"; access-log { enabled #false; }; error-log { enabled #false; }; }; }
`;
}

/** Subject of the certificate that each name gets; null means none. */
const NAMES: readonly {
  name: string;
  asks: readonly string[];
  want: string | null;
  strict?: string | null;
}[] = [
  { name: "exact", asks: ["-servername", "a.example"], want: "named" },
  { name: "priority over another's name", asks: ["-servername", "b.example"], want: "prior" },
  { name: "case", asks: ["-servername", "A.eXample"], want: "named" },
  { name: "wildcard", asks: ["-servername", "x.wild.example"], want: "wildcard" },
  { name: "wildcard, deeper", asks: ["-servername", "x.y.wild.example"], want: "wildcard" },
  { name: "wildcard's parent", asks: ["-servername", "wild.example"], want: "standard", strict: null },
  { name: "none", asks: ["-noservername"], want: "standard" },
  { name: "the default's own", asks: ["-servername", "www.example"], want: "standard" },
  { name: "unknown", asks: ["-servername", "c.example"], want: "standard", strict: null },
  { name: "IDN", asks: ["-servername", "xn--bcher-kva.example"], want: "idn" },
  { name: "an address", asks: ["-servername", "127.0.0.1"], want: "standard" },
  { name: "root's dot", asks: ["-servername", "a.example."], want: "named" },
];

/** What of curl, and which version and status it then sees. */
const OFFERS = [["--http2", "2 200"], ["--http1.1", "1.1 200"], ["--no-alpn", "1.1 200"]] as const;

const TLS12 = ["-tls1_2"];
const TLS13 = ["-tls1_3"];

const NEGOTIATIONS: readonly {
  name: string;
  listener: string;
  with: readonly string[];
  want: RegExp;
  alert?: number;
}[] = [
  { name: "ECDSA first", listener: "both", with: [], want: /Peer signature type: ECDSA/ },
  {
    name: "RSA who asks",
    listener: "both",
    with: ["-sigalgs", "RSA-PSS+SHA256"],
    want: /Peer signature type: RSA-PSS/,
  },
  { name: "RSA, 1.2", listener: "both", with: [...TLS12, "-cipher", "aRSA"], want: /ECDHE-RSA/ },
  { name: "ECDSA, 1.2", listener: "both", with: TLS12, want: /ECDHE-ECDSA/ },
  { name: "1.3 only", listener: "new", with: TLS13, want: /New, TLSv1.3/ },
  {
    name: "1.2 too old",
    listener: "new",
    with: TLS12,
    want: /Cipher is \(NONE\)/,
    alert: 70,
  },
  { name: "1.2 only", listener: "old", with: [], want: /New, TLSv1.2/ },
  {
    name: "1.3 too new",
    listener: "old",
    with: TLS13,
    want: /Cipher is \(NONE\)/,
    alert: 70,
  },
  {
    name: "1.1",
    listener: "lenient",
    with: ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    want: /\(NONE\)/,
    alert: 70,
  },
  {
    name: "no forward secrecy",
    listener: "old",
    with: [...TLS12, "-cipher", "AES256-SHA256"],
    want: /\(NONE\)/,
    alert: 40,
  },
  {
    name: "allowed suite",
    listener: "suite",
    with: [...TLS13, "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
    want: /TLS_AES_128_GCM_SHA256/,
  },
  {
    name: "allowed suite, 1.2",
    listener: "suite",
    with: [...TLS12, "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"],
    want: /ECDHE-ECDSA-AES128-GCM-SHA256/,
  },
  {
    name: "suite not allowed",
    listener: "suite",
    with: [...TLS13, "-ciphersuites", "TLS_AES_256_GCM_SHA384"],
    want: /\(NONE\)/,
    alert: 40,
  },
  {
    name: "no protocol in common",
    listener: "lenient",
    with: ["-alpn", "spdy/3"],
    want: /\(NONE\)|No ALPN/,
    alert: 120,
  },
  { name: "protocol", listener: "lenient", with: ["-alpn", "http/1.1"], want: /ALPN protocol: http\/1.1/ },
];

Deno.test({
  name: "TLS: which certificate for which name, and what is agreed upon",
  ignore,
  async fn(t) {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-tls-" });
    try {
      const made = await certificates(folder);
      await using stage = await OptionStage.start((place) => config(place, made));
      for (const { name, asks, want, strict = want } of NAMES) {
        await t.step(`name: ${name}`, async () => {
          const lenient = await visit(stage.port("lenient"), asks);
          equal(lenient.subject, `O = Example, CN = ${want}`);
          equal(lenient.status, 200);
          const refusing = await visit(stage.port("strict"), asks);
          equal(refusing.subject, strict === null ? "" : `O = Example, CN = ${strict}`);
          if (strict === null) equal(alertOf(refusing), 112);
        });
      }
      for (const { name, listener, with: args, want, alert = 0 } of NEGOTIATIONS) {
        await t.step(`negotiation: ${name}`, async () => {
          const seen = await visit(stage.port(listener), args);
          match(seen.output + seen.complaints, want);
          equal(alertOf(seen), alert, seen.complaints);
          equal(seen.status, alert === 0 ? 200 : 0);
        });
      }
      await t.step("HTTP/2 and HTTP/1.1 by what the client offers", async () => {
        for (const [flag, want] of OFFERS) {
          const { stdout } = await new Deno.Command("curl", {
            args: [
              ...["-s", "-o", "/dev/null", "-w", "%{http_version} %{http_code}", flag],
              ...["--cacert", made.ca, `https://127.0.0.1:${stage.port("lenient")}/`],
            ],
          }).output();
          equal(new TextDecoder().decode(stdout), want, flag);
        }
      });
      await t.step("sessions are resumed", async () => {
        for (const version of [TLS12, TLS13]) {
          const session = `${folder}/session.pem`;
          const port = stage.port("lenient");
          const first = await visit(port, [...version, "-sess_out", session]);
          const second = await visit(port, [...version, "-sess_in", session]);
          deepEqual([first.session, second.session, second.status], ["New", "Reused", 200]);
        }
      });
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
