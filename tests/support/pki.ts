/** Certificates for tests, made by openssl while the test runs: authorities, chains, revocation lists. */

const decoder = new TextDecoder();

/** Runs openssl with arguments; what it printed. Rejects with what it complained of. */
export async function openssl(args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command("openssl", { args: [...args], cwd }).output();
  if (code !== 0) throw new Error(`openssl ${args.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Files of a certificate and its key. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is to be. */
export interface CertificateWish {
  /** Subject alternative names as openssl writes them: `DNS:a.example`, `IP:127.0.0.1`. */
  readonly names?: readonly string[];
  readonly key?: "ec" | "rsa";
  /** Digest that is signed; SHA-256 when left out. */
  readonly digest?: "sha1";
  /** Days from now; both may be negative. */
  readonly from?: number;
  readonly until?: number;
  /** Whether it says where its revocation list can be had. */
  readonly list?: boolean;
  readonly purpose?: "serverAuth" | "clientAuth";
  /** Whether it is an authority itself, and for how many below it. */
  readonly authority?: { readonly pathLength?: number } | undefined;
}

/** An authority and what it issued, in a folder of its own. */
export class Authority {
  readonly name: string;
  readonly folder: string;
  readonly pair: Pair;

  private constructor(name: string, folder: string, pair: Pair) {
    this.name = name;
    this.folder = folder;
    this.pair = pair;
  }

  /** A root. */
  static async root(folder: string, name: string): Promise<Authority> {
    const place = await emptyPlace(folder, name);
    const pair = { cert: `${place}/ca.pem`, key: `${place}/ca.key` };
    const extensions = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign"];
    await makeKey(pair.key, "ec");
    await openssl([
      ...[
        "req",
        "-x509",
        "-new",
        "-key",
        pair.key,
        "-out",
        pair.cert,
        "-days",
        "3650",
        "-subj",
        `/CN=${name}`,
      ],
      ...extensions.flatMap((extension) => ["-addext", extension]),
    ], place);
    return new Authority(name, place, pair);
  }

  /** An authority below this one. */
  async intermediate(name: string, wish: CertificateWish = {}): Promise<Authority> {
    const pair = await this.issue(name, { authority: {}, ...wish });
    const place = await emptyPlace(this.folder, `${name}-authority`);
    return new Authority(name, place, pair);
  }

  /** A certificate; the file has only itself. */
  async issue(name: string, wish: CertificateWish = {}): Promise<Pair> {
    const pair = { cert: `${this.folder}/${name}.pem`, key: `${this.folder}/${name}.key` };
    const { names = [], key = "ec", from = -1, until = 90, purpose, authority, list = false, digest } = wish;
    await makeKey(pair.key, key);
    const request = `${this.folder}/${name}.csr`;
    await openssl(
      ["req", "-new", "-key", pair.key, "-out", request, "-subj", `/O=Example/CN=${name}`],
      this.folder,
    );
    const length = authority?.pathLength === undefined ? "" : `,pathlen:${authority.pathLength}`;
    const extensions = [
      authority === undefined ? "basicConstraints=CA:FALSE" : `basicConstraints=critical,CA:TRUE${length}`,
      ...(authority === undefined ? [] : ["keyUsage=critical,keyCertSign,cRLSign"]),
      ...(names.length === 0 ? [] : [`subjectAltName=${names.join(",")}`]),
      ...(list ? ["crlDistributionPoints=URI:http://crl.example/list.crl"] : []),
      ...(purpose === undefined ? [] : [`extendedKeyUsage=${purpose}`]),
    ];
    const extfile = `${this.folder}/${name}.ext`;
    await Deno.writeTextFile(extfile, extensions.join("\n"));
    await this.#ca([
      ...["-in", request, "-out", pair.cert, "-extfile", extfile, "-notext"],
      ...(digest === undefined ? [] : ["-md", digest]),
      ...["-startdate", opensslDate(from), "-enddate", opensslDate(until)],
    ]);
    return pair;
  }

  async revoke({ cert }: Pair): Promise<void> {
    await this.#ca(["-revoke", cert]);
  }

  /** The revocation list as PEM; `until` as for certificates. */
  async list(until = 30): Promise<string> {
    const file = `${this.folder}/list.pem`;
    await this.#ca([
      "-gencrl",
      "-crl_lastupdate",
      opensslDate(-20),
      "-crl_nextupdate",
      opensslDate(until),
      "-out",
      file,
    ]);
    return await Deno.readTextFile(file);
  }

  async #ca(args: readonly string[]): Promise<void> {
    const { cert, key } = this.pair;
    await openssl(
      ["ca", "-batch", "-config", `${this.folder}/ca.cnf`, "-cert", cert, "-keyfile", key, ...args],
      this.folder,
    );
  }
}

async function emptyPlace(folder: string, name: string): Promise<string> {
  const place = `${folder}/${name}`;
  await Deno.mkdir(`${place}/new`, { recursive: true });
  await Deno.writeTextFile(`${place}/index.txt`, "");
  await Deno.writeTextFile(`${place}/index.txt.attr`, "unique_subject = no\n");
  await Deno.writeTextFile(`${place}/crlnumber`, "01\n");
  await Deno.writeTextFile(
    `${place}/ca.cnf`,
    `[ca]\ndefault_ca=own\n[own]\ndatabase=${place}/index.txt\nnew_certs_dir=${place}/new\nrand_serial=yes\n` +
      `crlnumber=${place}/crlnumber\ndefault_md=sha256\npolicy=any\ncopy_extensions=none\nemail_in_dn=no\n` +
      `crl_extensions=crl\n[crl]\nauthorityKeyIdentifier=keyid\n` +
      `[any]\norganizationName=optional\ncommonName=supplied\n`,
  );
  return place;
}

async function makeKey(file: string, type: "ec" | "rsa"): Promise<void> {
  const how = type === "ec"
    ? ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    : ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
  await openssl(["genpkey", ...how, "-out", file], file.slice(0, file.lastIndexOf("/")));
}

/** `YYMMDDHHMMSSZ`, so many days from now. */
function opensslDate(days: number): string {
  const date = new Date(Date.now() + days * 86_400_000);
  return date.toISOString().replace(/\D/g, "").slice(0, 14) + "Z";
}
