/** A real authoritative DNS server (Knot DNS) on a free port, whose zone a test can change. */

import { freePort, hasCommand, Server } from "./servers.ts";

/** Whether the server is installed. */
export const hasKnot = hasCommand("knotd");

/** The zone that is served. */
export const ZONE = "test.";

/** A shared key by which the zone may be changed (RFC 2136, TSIG). */
export interface UpdateKey {
  readonly name: string;
  readonly algorithm: string;
  /** In base64. */
  readonly secret: string;
}

function updateLines(key: UpdateKey | undefined): string[] {
  if (key === undefined) return [];
  return [
    "key:",
    `  - id: ${key.name}`,
    `    algorithm: ${key.algorithm}`,
    `    secret: ${key.secret}`,
    "acl:",
    "  - id: updates",
    `    key: ${key.name}`,
    "    action: update",
  ];
}

/** A running server. */
export class Knot implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #folder: string;
  #serial = 1;

  private constructor(init: { port: number; server: Server; folder: string }) {
    this.port = init.port;
    this.#server = init.server;
    this.#folder = init.folder;
  }

  /** Starts it with these lines as its zone, names relative to `test.`. */
  static async start(records: string, updates?: UpdateKey): Promise<Knot> {
    const folder = await Deno.makeTempDir({ prefix: "sentinel-knot-" });
    const port = freePort();
    await Deno.writeTextFile(
      `${folder}/knot.conf`,
      [
        "server:",
        `    rundir: "${folder}"`,
        `    listen: 127.0.0.1@${port}`,
        "    udp-workers: 1",
        "    tcp-workers: 1",
        ...updateLines(updates),
        "database:",
        `    storage: "${folder}"`,
        "zone:",
        "  - domain: test",
        `    storage: "${folder}"`,
        "    file: test.zone",
        "    zonefile-sync: -1",
        "    zonefile-load: whole",
        "    journal-content: none",
        ...(updates === undefined ? [] : ["    acl: updates"]),
        "",
      ].join("\n"),
    );
    await Deno.writeTextFile(`${folder}/test.zone`, zoneText(1, records));
    const command = hasCommand("knotd") ? "knotd" : "/usr/sbin/knotd";
    const server = await Server.start({
      command,
      args: ["-c", `${folder}/knot.conf`],
      env: { PATH: `${Deno.env.get("PATH")}:/usr/sbin` },
      ready: port,
    });
    return new Knot({ port, server, folder });
  }

  /** Serves other records; resolves once the server has said that it loaded them. */
  async change(records: string): Promise<void> {
    const serial = ++this.#serial;
    await Deno.writeTextFile(`${this.#folder}/test.zone.new`, zoneText(serial, records));
    await Deno.rename(`${this.#folder}/test.zone.new`, `${this.#folder}/test.zone`);
    this.#server.signal("SIGHUP");
  }

  get output(): string {
    return this.#server.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.stop();
    await Deno.remove(this.#folder, { recursive: true });
  }
}

function zoneText(serial: number, records: string): string {
  return `$ORIGIN ${ZONE}\n@ 60 SOA ns admin ${serial} 60 60 60 2\n@ 60 NS ns\nns 60 A 127.0.0.1\n${records}\n`;
}
