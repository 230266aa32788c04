import { equal, notEqual } from "node:assert/strict";
import { clientNetwork } from "./client_network.ts";

Deno.test("clientNetwork", () => {
  const tests = [
    { name: "IPv4 is itself", input: "192.0.2.1", bits: 64, want: "192.0.2.1" },
    { name: "mapped IPv4 counts as IPv4", input: "::ffff:192.0.2.1", bits: 64, want: "192.0.2.1" },
    { name: "Unix socket", input: "", bits: 64, want: "" },
    { name: "no address", input: "a:b:zz", bits: 64, want: "a:b:zz" },
    { name: "a /64", input: "2001:db8:1:2:3:4:5:6", bits: 64, want: "20010db800010002" },
    { name: "a /56 cuts within a byte group", input: "2001:db8:1:2ff::1", bits: 56, want: "20010db8000102" },
    { name: "a /60 cuts within a byte", input: "2001:db8:1:2ff::1", bits: 60, want: "20010db8000102f0" },
    { name: "whole address", input: "::1", bits: 128, want: "0".repeat(31) + "1" },
  ];
  for (const { name, input, bits, want } of tests) equal(clientNetwork(input, bits), want, name);
});

Deno.test("clientNetwork: one subscriber is one client, the neighbour another", () => {
  equal(clientNetwork("2001:db8::1", 64), clientNetwork("2001:db8::ffff:1", 64));
  notEqual(clientNetwork("2001:db8::1", 64), clientNetwork("2001:db8:0:1::1", 64));
});
