import { acme } from "../acme/options.ts";
import { repeated } from "../core/named_blocks.ts";
import { expects } from "../core/reading.ts";
import { refused } from "../core/refused.ts";
import { block, duration, flag, integer, oneOf, scalar, schema, text, texts } from "../core/schema.ts";
import type { Infer, Report } from "../core/schema.ts";
import { CIPHER_SUITES, cipherSuiteNamed } from "./cipher_suites.ts";

const PAIR = {
  certFile: text({
    summary: "PEM file: the certificate, then its intermediates.",
    aliases: ["cert"],
    example: "/etc/tls/site.pem",
  }),
  keyFile: text({ summary: "PEM file of the private key.", aliases: ["key"], example: "/etc/tls/site.key" }),
};

const alternate = block({
  summary: "A second certificate for the same names, with another kind of key: RSA beside ECDSA.",
  fields: {
    certFile: text({
      summary: "PEM file: the certificate, then its intermediates.",
      aliases: ["cert"],
      required: true,
    }),
    keyFile: text({ summary: "PEM file of the private key.", aliases: ["key"], required: true }),
  },
});

const sni = block({
  summary: "A further certificate, and the names it is shown for.",
  fields: {
    hostnames: texts({
      summary: "Names, *.parent included; left out, those of the certificate.",
      check: checkHostname,
      example: "*.example.com",
    }),
    priorityHostnames: texts({
      summary: "Names for which this certificate comes before another one that has them too.",
      check: checkHostname,
    }),
    ...PAIR,
    alternate,
    acme,
  },
  check: (value, report) => {
    if (value.hostnames.length > 0 && value.priorityHostnames.length > 0) {
      report(
        "priorityHostnames",
        '"hostnames" and "priority-hostnames" exclude each other',
        "keep one of them",
      );
    }
    checkPair(value, report);
  },
});

/** What must hold for a certificate and its key, wherever they stand: files, or an authority that brings them. */
function checkPair(
  { certFile, keyFile, alternate, acme }: {
    readonly certFile?: string | undefined;
    readonly keyFile?: string | undefined;
    readonly alternate?: object | undefined;
    readonly acme?: object | undefined;
  },
  report: Report,
): void {
  if (acme !== undefined) {
    const key = certFile !== undefined ? "certFile" : keyFile !== undefined ? "keyFile" : undefined;
    if (key !== undefined) {
      report(key, 'certificate files and "acme" exclude each other', "remove one of them");
    }
    if (alternate !== undefined) {
      report("alternate", '"alternate" is of files, and has no effect beside "acme"', "remove it");
    }
    return;
  }
  if (certFile === undefined) {
    report("certFile", '"cert-file" is missing', 'add: cert-file "/path/to/cert.pem"');
  }
  if (keyFile === undefined) report("keyFile", '"key-file" is missing', 'add: key-file "/path/to/key.pem"');
}

function checkHostname(name: string): string | undefined {
  const rest = name.startsWith("*.") ? name.slice(2) : name;
  if (rest === "" || rest.includes("*")) return `must be a host name or "*.parent", found "${name}"`;
  if (/^\d+(?:\.\d+){3}$/.test(rest)) {
    return `must be a host name: whoever asks for an address gets the default certificate, found "${name}"`;
  }
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20\x7f/:@?#]/.test(rest) || name.length > 253) return `must be a host name, found "${name}"`;
  return undefined;
}

const CLIENT_AUTH = ["none", "optional", "required"] as const;

/** `#true` and `#false` are the language's; the words say what they mean, and there are three. */
const clientAuth = scalar(
  {
    summary:
      'Whether clients must ("required", #true), may ("optional") or need not (#false) show a certificate.',
    default: "none" as (typeof CLIENT_AUTH)[number],
  },
  { type: "choice", values: CLIENT_AUTH, aliases: [] },
  (value) => {
    if (value === true) return "required" as const;
    if (value === false) return "none" as const;
    const word = CLIENT_AUTH.find((each) => typeof value === "string" && value.toLowerCase() === each);
    return word ?? expects('"required", "optional", "none", #true or #false', value);
  },
);

/** `#true`, which the language takes for granted where nothing is said, cannot be done here: said, not pretended. */
const ocspStapling = schema<boolean, { summary: string; default: false }>(
  { summary: "Cannot be done on this platform: #true is a warning and changes nothing.", default: false },
  { type: "flag" },
  (nodes, site) => {
    const asked = flag({ summary: "" }).read(nodes, site);
    if (asked) {
      const message = '"ocsp-stapling" has no effect: this platform\'s TLS cannot send OCSP responses';
      site.reading.warn(nodes[0]!.nameSpan, message, "switch it off, or use short-lived certificates");
    }
    return false;
  },
);

const TLS_VERSIONS = {
  "TLS1.2": ["1.2", "TLSv1.2"],
  "TLS1.3": ["1.3", "TLSv1.3"],
} as const;

const UNSAFE_VERSIONS = {
  "TLS1.0": ["1.0", "TLSv1.0", "TLSv1", "SSLv3"],
  "TLS1.1": ["1.1", "TLSv1.1"],
} as const;

/** Certificates and TLS rules of a listener. */
export const tlsOptions = block({
  summary: "Certificates and TLS settings; needed where protocol is https.",
  fields: {
    ...PAIR,
    alternate,
    sni: repeated({ summary: "Further certificates, each for names of its own.", block: sni }),
    unknownName: oneOf({
      summary:
        "What a client gets that asks for a name no certificate has: the default one, or no handshake.",
      values: { default: [], refuse: ["reject"] },
      default: "default",
    }),
    clientAuth,
    caFile: text({ summary: "PEM file of the authorities that client certificates must come from." }),
    crlFile: text({
      summary: "PEM file of revocation lists, one for each authority that issues client certificates.",
    }),
    clientCertificateHeaders: flag({
      summary:
        "Tell upstreams of the client's certificate in X-Client-Cert-* headers; the client's own are dropped.",
      default: true,
    }),
    minVersion: oneOf({
      summary: "Oldest TLS version.",
      values: TLS_VERSIONS,
      unavailable: UNSAFE_VERSIONS,
      default: "TLS1.2",
    }),
    maxVersion: oneOf({
      summary: "Newest TLS version.",
      values: TLS_VERSIONS,
      unavailable: UNSAFE_VERSIONS,
      default: "TLS1.3",
    }),
    cipherSuite: texts({
      summary:
        "Cipher suites that may be used, by IANA name; a client whose first choice is another is refused. Left out, all nine that the engine has.",
      aliases: ["cipher-suites"],
      check: checkCipherSuite,
      example: "TLS_AES_256_GCM_SHA384",
    }),
    handshakeTimeoutSecs: duration({
      summary: "Time for the whole handshake; then the connection is cut.",
      unit: "s",
      min: 0.1,
      max: 600,
      default: 10,
    }),
    maxHandshakes: integer({
      summary: "Handshakes of this listener under way in one thread; beyond it connections are cut.",
      min: 1,
      max: 100_000,
      default: 1000,
    }),
    ocspStapling,
    sessionResumption: refused({
      summary:
        "Session tickets; always on, with keys that rotate. Each thread has keys of its own: a client that comes to another one shakes hands in full.",
      feature: "session-resumption #false",
      hint: "the engine cannot switch it off; client certificates are checked anew on resumed sessions too",
      asks: (node) => node.args[0]?.value === false,
    }),
    acme,
  },
  check: checkTls,
});

/** TLS options of a listener, defaults filled in. */
export type TlsOptions = NonNullable<Infer<typeof tlsOptions>>;

/** A file of a certificate and one of its key. */
export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** A certificate block whose check has passed. */
export function certificateFiles(
  { certFile, keyFile }: { readonly certFile?: string | undefined; readonly keyFile?: string | undefined },
): CertificateFiles {
  return { certFile: certFile!, keyFile: keyFile! };
}

function checkCipherSuite(name: string): string | undefined {
  if (cipherSuiteNamed(name) !== undefined) return undefined;
  return `must be one of ${CIPHER_SUITES.map((suite) => suite.name).join(", ")}; found "${name}"`;
}

/** What of the options must fit together. */
interface Related {
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly caFile?: string | undefined;
  readonly crlFile?: string | undefined;
  readonly clientAuth: (typeof CLIENT_AUTH)[number];
  readonly minVersion: keyof typeof TLS_VERSIONS;
  readonly maxVersion: keyof typeof TLS_VERSIONS;
  readonly cipherSuite: readonly string[];
}

function checkTls(value: Related, report: Report): void {
  checkPair(value, report);
  if (value.minVersion === "TLS1.3" && value.maxVersion === "TLS1.2") {
    report("minVersion", '"min-version" is newer than "max-version"', "exchange them");
  }
  if (value.clientAuth !== "none" && value.caFile === undefined) {
    report("clientAuth", '"client-auth" needs "ca-file"', 'add: ca-file "/path/to/authorities.pem"');
  }
  if (value.clientAuth === "none" && (value.caFile !== undefined || value.crlFile !== undefined)) {
    const key = value.caFile !== undefined ? "caFile" : "crlFile";
    report(key, "client certificates are not asked for", 'add: client-auth "required"');
  }
  const suites = value.cipherSuite.map((name) => cipherSuiteNamed(name)!.version);
  if (suites.length > 0) {
    const allows12 = value.minVersion === "TLS1.2" && suites.includes("1.2");
    const allows13 = value.maxVersion === "TLS1.3" && suites.includes("1.3");
    if (!allows12 && !allows13) {
      report(
        "cipherSuite",
        "none of these cipher suites belongs to an allowed TLS version",
        "add one that does",
      );
    }
  }
}
