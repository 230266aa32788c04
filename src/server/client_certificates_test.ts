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

Deno.test({
  name: "client certificates: of several lists of one authority none is passed over",
  ignore: !hasCommand("openssl") && Deno.env.get("CI") === undefined,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-lists-" });
    try {
      const [root, namesake] = [
        await Authority.root(folder, "root"),
        await Authority.root(`${folder}/other`, "root"),
      ];
      const client = await root.issue("client");
      const der = new Uint8Array(new X509Certificate(await Deno.readTextFile(client.cert)).raw);
      const [empty, outdated, stranger] = [await root.list(), await root.list(-1), await namesake.list()];
      await root.revoke(client);
      const full = await root.list();
      const pem = await Deno.readTextFile(namesake.pair.cert) + await Deno.readTextFile(root.pair.cert);
      for (
        const { name, lists, want } of [
          { name: "none is revoked", lists: [empty], want: "" },
          { name: "the old one first", lists: [empty, full], want: "revoked" },
          { name: "the new one first", lists: [full, empty], want: "revoked" },
          { name: "an outdated one first", lists: [outdated, empty], want: "" },
          { name: "only an outdated one", lists: [outdated, stranger], want: "list_expired" },
          { name: "only that of a namesake", lists: [stranger], want: "list_missing" },
        ]
      ) {
        const clients = new ClientCertificates({
          ca: { path: "ca", pem },
          crl: { path: "crl", pem: lists.join("") },
          wallMs: Date.now,
        });
        equal(clients.judge([der])?.problem, want, name);
        equal(clients.judge([der])?.problem, want, `${name}, again`);
      }
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
