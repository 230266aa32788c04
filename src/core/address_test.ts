import { deepStrictEqual as equal, strictEqual } from "node:assert/strict";
import { checkCidr, type Endpoint, parseEndpoint } from "./address.ts";

const right: { input: string; want: Endpoint }[] = [
  { input: "0.0.0.0:8080", want: { type: "ip", host: "0.0.0.0", port: 8080 } },
  { input: "127.0.0.1:1", want: { type: "ip", host: "127.0.0.1", port: 1 } },
  { input: "127.0.0.1:65535", want: { type: "ip", host: "127.0.0.1", port: 65535 } },
  { input: "[::]:80", want: { type: "ip", host: "::", port: 80 } },
  { input: "[::ffff:10.0.0.1]:80", want: { type: "ip", host: "::ffff:10.0.0.1", port: 80 } },
  { input: "localhost:80", want: { type: "ip", host: "localhost", port: 80 } },
  { input: "my_service.internal.:80", want: { type: "ip", host: "my_service.internal.", port: 80 } },
  { input: "unix:/run/a.sock", want: { type: "unix", path: "/run/a.sock" } },
  { input: `unix:/${"a".repeat(106)}`, want: { type: "unix", path: `/${"a".repeat(106)}` } },
];

for (const { input, want } of right) {
  Deno.test(`address ${input}`, () => equal(parseEndpoint(input), want));
}

const wrong = [
  "8080",
  ":8080",
  "*:8080",
  "host",
  "host:",
  "host:0",
  "host:65536",
  "host:080800",
  "host:8a",
  "host:-1",
  "::1:80",
  "[::1]",
  "[::1:80",
  "[zz]:80",
  "1.2.3:80",
  "1.2.3.4.5:80",
  "256.1.1.1:80",
  "a b:80",
  "-a:80",
  `${"a".repeat(64)}:80`,
  "http://host:80",
  "host/path:80",
  "unix:a.sock",
  "unix:",
  `unix:/${"a".repeat(107)}`,
  "unix:/a\0b",
];

for (const input of wrong) {
  Deno.test(`no address: ${JSON.stringify(input)}`, () => strictEqual(typeof parseEndpoint(input), "string"));
}

const networks: { input: string; want: boolean }[] = [
  { input: "10.0.0.0/8", want: true },
  { input: "10.1.2.3", want: true },
  { input: "::1", want: true },
  { input: "fd00::/8", want: true },
  { input: "10.0.0.0/33", want: false },
  { input: "10", want: false },
  { input: "::/129", want: false },
  { input: "example.com", want: false },
  { input: "", want: false },
];

for (const { input, want } of networks) {
  Deno.test(`network ${JSON.stringify(input)}`, () => strictEqual(checkCidr(input) === undefined, want));
}
