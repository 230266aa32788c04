/** Certificates under test on a virtual clock: a server of ACME in this process, files in memory. */

import { acme, type AcmeOptions } from "../../src/acme/options.ts";
import { AcmeManager } from "../../src/acme/manager.ts";
import type { RenewalOutcome, ServedCertificate } from "../../src/acme/managed_certificate.ts";
import type { AcmePorts, ChallengeBoard, StoragePort } from "../../src/acme/ports.ts";
import { parseText } from "../../src/config/parse_text.ts";
import { Reading } from "../../src/core/reading.ts";
import type { HttpAnswer, HttpPort } from "../../src/discovery/discovery.ts";
import { AcmeServer, type AcmeServerInit } from "./acme_server.ts";
import { FakeDialer, FakeTime } from "./fake_socket.ts";

/** Reads the inside of an `acme` block; what is wrong is thrown. */
export function readAcme(text: string): AcmeOptions {
  const { nodes, issues } = parseText(`acme {\n${text}\n}`, "test.kdl");
  const reading = new Reading();
  const value = acme.read(nodes, { reading, parent: nodes[0]!, name: "acme" });
  const problems = [...issues, ...reading.issues].map(({ message, hint }) =>
    hint ? `${message} (${hint})` : message
  );
  if (problems.length > 0 || value === undefined) throw new Error(problems.join("\n"));
  return value;
}

/** Files in memory, in the way of the real ones: a guard per update is not needed in one thread. */
export class MemoryStorage implements StoragePort {
  readonly files = new Map<string, string>();
  /** The n-th write from now on fails. */
  failingWrite = Infinity;

  async read(path: string): Promise<string | undefined> {
    return this.files.get(path);
  }

  async write(path: string, text: string): Promise<void> {
    if (--this.failingWrite === 0) throw new Error("no space left on device");
    this.files.set(path, text);
  }

  async update(path: string, change: (text: string | undefined) => string | undefined): Promise<void> {
    const text = change(this.files.get(path));
    if (text !== undefined) await this.write(path, text);
  }
}

/** Calls a handler of requests as if it were far away. */
export function httpTo(handle: (request: Request) => Promise<Response>): HttpPort {
  return async ({ method, url, headers, body }) => {
    const init = { method, headers: headers.map(([name, value]): [string, string] => [name, value]) };
    const response = await handle(new Request(url, body === undefined ? init : { ...init, body }));
    const answer: HttpAnswer = {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      text: () => response.text(),
      lines: () => {
        throw new Error("not here");
      },
      close: () => {},
    };
    return answer;
  };
}

/** One process with its certificates. */
export interface Node {
  readonly manager: AcmeManager;
  readonly served: ServedCertificate[];
  readonly outcomes: RenewalOutcome[];
  readonly logs: string[];
}

export class AcmeRig {
  readonly time = new FakeTime();
  readonly storage = new MemoryStorage();
  readonly txt = new Map<string, string[]>();
  server!: AcmeServer;
  /** What is answered over HTTP on port 80. */
  answers: ReadonlyMap<string, string> = new Map();
  /** Everything that was ever shown. */
  readonly shown = new Set<string>();
  http: HttpPort = () => Promise.reject(new Error("no network"));
  #seed = 1;

  static async create(init: Partial<AcmeServerInit> = {}): Promise<AcmeRig> {
    const rig = new AcmeRig();
    // Its timer would make every day of virtual time a long one.
    rig.time.deadlines.dispose();
    rig.server = await AcmeServer.create({
      wallMs: () => rig.time.wallMs(),
      fetchProof: (_domain, path) => Promise.resolve(rig.answers.get(path.split("/").pop()!) ?? "404"),
      ...init,
    });
    rig.http = httpTo((request) => rig.server.handle(request));
    return rig;
  }

  options(more = "", domains = '"example.org"'): AcmeOptions {
    return readAcme(
      `email "a@example.org"; domains ${domains}; server-url "https://ca.test/directory"; storage "/s"\n${more}`,
    );
  }

  ports(log: AcmePorts["log"] = () => {}): AcmePorts {
    const refuse = () => Promise.reject(new Error("not here"));
    return {
      clock: this.time,
      timers: this.time,
      random: { u32: () => this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) >>> 0 },
      log,
      dialer: new FakeDialer(),
      datagrams: { exchange: refuse },
      http: (request) => this.http(request),
      files: { readText: refuse, watch: () => () => {} },
      storage: this.storage,
      env: () => undefined,
    };
  }

  node(): Node {
    const [served, outcomes, logs]: [ServedCertificate[], RenewalOutcome[], string[]] = [[], [], []];
    const board: ChallengeBoard = {
      show: (answers) => {
        this.answers = answers;
        for (const value of answers.values()) this.shown.add(value);
        return Promise.resolve();
      },
    };
    const manager = new AcmeManager({
      ports: this.ports((level, message, fields) =>
        logs.push(`${level} ${message} ${JSON.stringify(fields)}`)
      ),
      board,
      sink: (certificate) => served.push(certificate),
      attempted: (_name, outcome) => outcomes.push(outcome),
    });
    return { manager, served, outcomes, logs };
  }

  /** A process that serves these certificates, its first attempt over. */
  async serving(...wanted: readonly AcmeOptions[]): Promise<Node> {
    const node = this.node();
    await node.manager.prepare(wanted);
    node.manager.commit();
    await this.until(() =>
      node.outcomes.length >= wanted.length || node.served.some(({ isStandIn }) => !isStandIn)
    );
    return node;
  }

  /** Lets virtual time pass until something holds. */
  async until(holds: () => boolean, stepMs = 1_000): Promise<void> {
    const dueMs = performance.now() + 20_000;
    while (!holds()) {
      if (performance.now() > dueMs) throw new Error("it never held");
      await this.time.advance(stepMs);
      // Keys and signatures are made on other threads, in real time.
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Lets virtual time pass until a promise is settled. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    const over = () => isOver = true;
    promise.then(over, over);
    await this.until(() => isOver);
    return await promise;
  }
}
