import { equal, match } from "node:assert/strict";
import { checkOrigin, FetchTargets } from "./fetch_policy.ts";

Deno.test("checkOrigin: scheme, host and port, and nothing else", () => {
  const fine = [
    "https://a.example",
    "https://a.example/",
    "http://10.0.0.5:8080",
    "http://[::1]:81",
    "HTTPS://A.example:443",
  ];
  for (const text of fine) equal(checkOrigin(text), undefined, text);
  const wrong: Readonly<Record<string, RegExp>> = {
    "": /must be a scheme, a host/,
    "a.example": /must be a scheme, a host/,
    "//a.example": /must be a scheme, a host/,
    "ftp://a.example": /must begin with https/,
    "file:///etc/passwd": /must begin with https/,
    "https://*.example": /wildcards are not supported/,
    "https://user:pw@a.example": /must not hold a password/,
    "https://a.example/path": /ends after the host and the port/,
    "https://a.example/?": /ends after the host and the port/,
    "https://a.example/#": /ends after the host and the port/,
    "https://a.example?x=1": /ends after the host and the port/,
  };
  for (const [text, problem] of Object.entries(wrong)) match(checkOrigin(text) ?? "", problem, text);
});

Deno.test("FetchTargets: origins are exact", () => {
  const targets = new FetchTargets({ origins: ["https://A.example:443/", "http://a.example:8080"] });
  const cases: Readonly<Record<string, boolean>> = {
    "https://a.example/x?y": true,
    "https://a.example:443/": true,
    "http://a.example:8080/": true,
    "http://a.example/": false,
    "https://a.example:8080/": false,
    "https://b.a.example/": false,
    "https://a.example.evil.test/": false,
    "https://a.example@evil.test/": false,
    "https://evil.test/https://a.example/": false,
    "blob:https://a.example/x": false,
  };
  for (const [url, want] of Object.entries(cases)) equal(targets.allows(new URL(url)), want, url);
});

Deno.test("FetchTargets: a name stands for public addresses only", () => {
  const targets = new FetchTargets({ origins: [] });
  const url = new URL("http://a.example/");
  const cases: Readonly<Record<string, boolean>> = {
    "93.184.216.34": true,
    "2606:2800:220:1::1": true,
    "127.0.0.1": false,
    "127.8.9.10": false,
    "10.1.2.3": false,
    "172.16.0.1": false,
    "172.32.0.1": true,
    "192.168.1.1": false,
    "169.254.169.254": false,
    "100.64.0.1": false,
    "0.0.0.0": false,
    "224.0.0.1": false,
    "255.255.255.255": false,
    "::1": false,
    "::": false,
    "fe80::1": false,
    "fd00::1": false,
    "fec0::1": false,
    "::ffff:10.0.0.1": false,
    "::ffff:93.184.216.34": true,
    "64:ff9b::a00:1": false,
    "2002:a00:1::1": false,
    "ff02::1": false,
    "not an address": false,
  };
  for (const [ip, want] of Object.entries(cases)) equal(targets.mayConnect(url, ip), want, ip);
});

Deno.test("FetchTargets: private addresses where they are listed literally", () => {
  const targets = new FetchTargets({ origins: [], privateNetworks: ["10.1.0.0/16"] });
  const cases = [
    { url: "http://10.0.0.5/", ip: "10.0.0.5", want: true },
    { url: "http://10.0.0.5/", ip: "10.0.0.6", want: false },
    { url: "http://[fd00::0:1]/", ip: "fd00::1", want: true },
    { url: "http://localhost/", ip: "127.0.0.1", want: true },
    { url: "http://api.localhost/", ip: "::1", want: true },
    { url: "http://localhost/", ip: "10.0.0.5", want: false },
    { url: "http://notlocalhost/", ip: "127.0.0.1", want: false },
    { url: "http://localhost.example/", ip: "127.0.0.1", want: false },
    { url: "http://service.internal/", ip: "10.1.255.255", want: true },
    { url: "http://service.internal/", ip: "10.2.0.0", want: false },
  ];
  for (const { url, ip, want } of cases) equal(targets.mayConnect(new URL(url), ip), want, `${url} at ${ip}`);
});
