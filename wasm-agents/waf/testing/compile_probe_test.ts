import { equal, ok, rejects, throws } from "node:assert/strict";
import { compileProbe, latin1 } from "./compile_probe.ts";

Deno.test("probe: bytes go in, bytes come out, and the memory of a call goes back", async () => {
  const probe = await compileProbe("testing/echo_probe.ts");
  const before = probe.bytesUsed;
  equal(new TextDecoder().decode(probe.object(probe.call("lowerCase", "ABC def"))), "abc def");
  equal(probe.object(probe.call("lowerCase", latin1("\xc4"))).at(0), 0xc4);
  ok(probe.bytesUsed > before);
  probe.end();
  equal(probe.bytesUsed, before);
  probe.put("kept");
  probe.keep();
  ok(probe.bytesUsed > before);
});

Deno.test("probe: traps, unknown functions and files that do not compile are errors", async () => {
  const probe = await compileProbe("testing/echo_probe.ts");
  throws(() => probe.call("fail"), WebAssembly.RuntimeError);
  throws(() => probe.call("nothing"), /no function "nothing"/);
  await rejects(compileProbe("testing/absent.ts"), /absent/);
});
