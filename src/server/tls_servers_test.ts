import { rejects } from "node:assert/strict";
import { Authority } from "../../tests/support/pki.ts";
import { hasCommand } from "../../tests/support/servers.ts";
import { createTlsServers } from "./tls_servers.ts";

Deno.test({
  name: "TLS servers: a further certificate that nobody would be shown is an error",
  ignore: !hasCommand("openssl") && Deno.env.get("CI") === undefined,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-names-" });
    try {
      const root = await Authority.root(folder, "root");
      const site = await root.issue("site", { names: ["DNS:a.example"] });
      const nameless = await root.issue("no host", { names: ["IP:127.0.0.1"] });
      const files = ({ cert, key }: typeof site) => ({ certFile: cert, keyFile: key });
      const open = createTlsServers({ readText: Deno.readTextFile, wallMs: Date.now });
      const options = (hostnames: readonly string[]) =>
        ({
          ...files(site),
          sni: [{ ...files(nameless), hostnames, priorityHostnames: [] }],
          clientAuth: "none",
          minVersion: "TLS1.2",
          maxVersion: "TLS1.3",
          cipherSuite: [],
          unknownName: "default",
        }) as unknown as Parameters<typeof open>[1];
      await rejects(open("a", options([]), []), /Listener "a": .*no host\.pem names no host/);
      await open("a", options(["b.example"]), []);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
