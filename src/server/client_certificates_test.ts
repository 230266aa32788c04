import { equal, notEqual } from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { Authority, openssl } from "../../tests/support/pki.ts";
import { hasCommand } from "../../tests/support/servers.ts";
import { ClientCertificates } from "./client_certificates.ts";

Deno.test({
  name: "client certificates: one that has its authority's name is judged as any other",
  ignore: !hasCommand("openssl") && Deno.env.get("CI") === undefined,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-clients-" });
    try {
      const { pair } = await Authority.root(folder, "root");
      const issue = async (digest: string) => {
        const [key, request, cert] = ["key", "csr", "pem"].map((ending) =>
          `${folder}/${digest}.${ending}`
        ) as [
          string,
          string,
          string,
        ];
        await openssl(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key], folder);
        await openssl(["req", "-new", "-key", key, "-out", request, "-subj", "/CN=root"], folder);
        const by = ["-CA", pair.cert, "-CAkey", pair.key, "-set_serial", "7", "-days", "9"];
        await openssl(["x509", "-req", "-in", request, "-out", cert, `-${digest}`, ...by], folder);
        return new Uint8Array(new X509Certificate(await Deno.readTextFile(cert)).raw);
      };
      const pem = await Deno.readTextFile(pair.cert);
      const clients = (text: string) =>
        new ClientCertificates({ ca: { path: pair.cert, pem: text }, crl: null, wallMs: Date.now });
      equal(clients(pem).judge([await issue("sha256")])?.problem, "");
      equal(clients(pem).judge([await issue("sha1")])?.problem, "unsupported");
      equal(clients(pem).digest, clients(pem).digest);
      notEqual(clients(pem).digest, clients(`${pem}\n`).digest);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
