import { deepEqual, equal, match, ok } from "node:assert/strict";
import { freePort, hasCommand, proxyConfig, Sentinel, Server } from "../support/servers.ts";

/** Files the external servers hand out: path → size. */
const FILES: Readonly<Record<string, number>> = {
  "empty.txt": 0,
  "one.txt": 1,
  "page.html": 4096,
  "large.bin": 5 * 1024 * 1024 + 17,
};

/** Reproducible bytes, so that every size differs and nothing compresses by accident. */
function content(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let i = 0, x = size + 1; i < size; i++) {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    bytes[i] = x >>> 16;
  }
  return bytes;
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

interface CurlResult {
  readonly status: number;
  readonly headers: string;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Runs curl; throws when it reports any transport error. */
async function curl(folder: string, args: readonly string[]): Promise<CurlResult> {
  const [headers, body] = [`${folder}/headers`, `${folder}/body`];
  await Deno.writeFile(body, new Uint8Array());
  const { success, stdout, stderr } = await new Deno.Command("curl", {
    args: [
      "--silent",
      "--show-error",
      "--max-time",
      "20",
      "-D",
      headers,
      "-o",
      body,
      "-w",
      "%{http_code}",
      ...args,
    ],
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return {
    status: Number(new TextDecoder().decode(stdout)),
    headers: await Deno.readTextFile(headers),
    body: await Deno.readFile(body),
  };
}

/** Starts one of the servers over `root`. */
type External = (root: string, folder: string) => Promise<{ server: Server; port: number }>;

const startNginx: External = async (root, folder) => {
  const port = freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`).join("\n  ");
  await Deno.writeTextFile(
    `${folder}/nginx.conf`,
    `${Deno.uid() === 0 ? "user root;" : ""}
pid ${folder}/nginx.pid;
error_log ${folder}/nginx-error.log;
events {}
http {
  ${temporary}
  access_log off;
  client_max_body_size 20m;
  types { text/html html; text/plain txt; }
  server {
    listen 127.0.0.1:${port};
    root ${root};
    location /redirect { return 302 /page.html; }
    location /missing { return 404 "not here\\n"; }
    location /upload { client_body_buffer_size 16m; proxy_pass http://127.0.0.1:${port}/sink; }
    location /sink { return 200 "$request_method $content_length"; }
  }
}
`,
  );
  const server = await Server.start({
    command: "nginx",
    args: ["-e", `${folder}/nginx-error.log`, "-c", `${folder}/nginx.conf`, "-g", "daemon off;"],
    ready: port,
  });
  return { server, port };
};

const startPython: External = async (root) => {
  const port = freePort();
  const args = ["-m", "http.server", String(port), "--bind", "127.0.0.1", "--directory", root];
  return { server: await Server.start({ command: "python3", args, ready: port }), port };
};

interface Stage {
  readonly url: string;
  readonly direct: string;
  readonly folder: string;
}

async function onStage(external: External, play: (stage: Stage) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sentinel-external-" });
  try {
    const root = `${folder}/root`;
    await Deno.mkdir(root);
    for (const [name, size] of Object.entries(FILES)) await Deno.writeFile(`${root}/${name}`, content(size));
    const { server, port: originPort } = await external(root, folder);
    await using _external = server;
    const port = freePort();
    await using _sentinel = await Sentinel.start({
      kdl: proxyConfig({ port, originPort, limits: "max-body-size 20000000" }),
      ready: port,
    });
    await play({ url: `http://127.0.0.1:${port}`, direct: `http://127.0.0.1:${originPort}`, folder });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function filesAreEqual({ url, folder }: Stage): Promise<void> {
  for (const [name, size] of Object.entries(FILES)) {
    const got = await curl(folder, [`${url}/${name}`]);
    equal(got.status, 200, name);
    equal(await sha256(got.body), await sha256(content(size)), name);
    match(got.headers, new RegExp(`^content-length: ${size}\r$`, "im"), name);
  }
}

async function headHasNoBody({ url, folder }: Stage): Promise<void> {
  const got = await curl(folder, ["--head", `${url}/large.bin`]);
  equal(got.status, 200);
  match(got.headers, new RegExp(`^content-length: ${FILES["large.bin"]}\r$`, "im"));
}

async function unchangedIs304({ url, folder }: Stage): Promise<void> {
  const first = await curl(folder, [`${url}/page.html`]);
  const modified = /^last-modified: (.+)\r$/im.exec(first.headers)![1]!;
  const second = await curl(folder, ["-H", `If-Modified-Since: ${modified}`, `${url}/page.html`]);
  equal(second.status, 304);
  equal(second.body.length, 0);
}

async function missingIs404({ url, direct, folder }: Stage): Promise<void> {
  const [through, straight] = [
    await curl(folder, [`${url}/missing`]),
    await curl(folder, [`${direct}/missing`]),
  ];
  equal(through.status, 404);
  deepEqual(through.body, straight.body);
}

async function rangesArrive({ url, folder }: Stage): Promise<void> {
  const got = await curl(folder, ["--range", "1000000-1000099", `${url}/large.bin`]);
  equal(got.status, 206);
  deepEqual(got.body, content(FILES["large.bin"]!).subarray(1_000_000, 1_000_100));
  const several = await curl(folder, ["--range", "0-9,100-109", `${url}/large.bin`]);
  equal(several.status, 206);
  match(several.headers, /^content-type: multipart\/byteranges/im);
  const beyond = await curl(folder, ["--range", "99999999-", `${url}/large.bin`]);
  equal(beyond.status, 416);
}

async function uploadsArrive({ url, folder }: Stage): Promise<void> {
  const upload = `${folder}/upload`;
  await Deno.writeFile(upload, content(3_000_000));
  const plain = await curl(folder, ["--data-binary", `@${upload}`, `${url}/upload`]);
  equal(new TextDecoder().decode(plain.body), "POST 3000000");
  const chunked = await curl(folder, ["-T", upload, "-H", "Transfer-Encoding: chunked", `${url}/upload`]);
  equal(new TextDecoder().decode(chunked.body), "PUT 3000000");
}

async function redirectsPass({ url, folder }: Stage): Promise<void> {
  const got = await curl(folder, ["--location", `${url}/redirect`]);
  equal(got.status, 200);
  equal(await sha256(got.body), await sha256(content(FILES["page.html"]!)));
}

async function connectionIsReused({ url, folder }: Stage): Promise<void> {
  const { stderr } = await new Deno.Command("curl", {
    args: ["--verbose", "-o", `${folder}/one`, `${url}/one.txt`, "-o", `${folder}/two`, `${url}/page.html`],
  }).output();
  ok(/Re-using existing connection/i.test(new TextDecoder().decode(stderr)));
}

Deno.test({
  name: "external service: Debian's nginx with files, through curl",
  ignore: !hasCommand("nginx") || !hasCommand("curl"),
  fn: (t) =>
    onStage(startNginx, async (stage) => {
      await t.step("files arrive byte for byte", () => filesAreEqual(stage));
      await t.step("HEAD has the length and no body", () => headHasNoBody(stage));
      await t.step("an unchanged file is 304", () => unchangedIs304(stage));
      await t.step("404 comes from the service", () => missingIs404(stage));
      await t.step("ranges", () => rangesArrive(stage));
      await t.step("uploads with length and chunked", () => uploadsArrive(stage));
      await t.step("redirects stay on the proxy", () => redirectsPass(stage));
      await t.step("the connection is reused", () => connectionIsReused(stage));
    }),
});

Deno.test({
  name: "external service: Python's http.server with files, through curl",
  ignore: !hasCommand("python3") || !hasCommand("curl"),
  fn: (t) =>
    onStage(startPython, async (stage) => {
      await t.step("files arrive byte for byte", () => filesAreEqual(stage));
      await t.step("HEAD has the length and no body", () => headHasNoBody(stage));
      await t.step("an unchanged file is 304", () => unchangedIs304(stage));
      await t.step("404 comes from the service", () => missingIs404(stage));
    }),
});
