import assert from "node:assert/strict";
import { DenoSocket } from "./deno_socket.ts";
import { findSocketOps, socketOps } from "./socket_ops.ts";

/** A socket by either way of reading and writing, and the other end of its connection. */
async function pair(ops: typeof socketOps): Promise<{ socket: DenoSocket; peer: Deno.TcpConn }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const opening = Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const [peer, connection] = await Promise.all([listener.accept(), opening]);
  return { socket: new DenoSocket(connection, { ops }), peer };
}

for (const [way, ops] of [["by number", socketOps], ["by the public methods", undefined]] as const) {
  Deno.test(`DenoSocket, ${way}: bytes both ways, the end, and closing`, async () => {
    const { socket, peer } = await pair(ops);
    const buffer = new Uint8Array(8);
    assert.equal(await socket.write(new Uint8Array([1, 2, 3])), 3);
    assert.equal(await peer.read(buffer), 3);
    await peer.write(new Uint8Array([4, 5]));
    assert.equal(await socket.read(buffer), 2);
    assert.deepEqual([...buffer.subarray(0, 2)], [4, 5]);
    await socket.closeWrite();
    assert.equal(await peer.read(buffer), null);
    peer.close();
    assert.equal(await socket.read(buffer), 0);
    socket.close();
    socket.close();
    await assert.rejects(socket.read(buffer));
    await assert.rejects(socket.write(buffer));
  });

  Deno.test(`DenoSocket, ${way}: a read under way ends when the socket is closed`, async () => {
    const { socket, peer } = await pair(ops);
    const reading = socket.read(new Uint8Array(8));
    socket.close();
    await assert.rejects(reading);
    peer.close();
  });
}

Deno.test("findSocketOps: there in the pinned version, and refused where a part is missing", () => {
  assert.ok(socketOps !== undefined, "this version of Deno has them");
  const symbol = Symbol("rid");
  const read = () => Promise.resolve(0);
  const internal = Symbol("internal");
  const whole = { internalRidSymbol: symbol, read, write: read, shutdown: read, close: read };
  const found = findSocketOps({ internal, [internal]: { core: whole } });
  assert.equal(found?.numberOf({ [symbol]: 7 }), 7);
  assert.equal(found?.numberOf({}), undefined);
  for (const part of ["internalRidSymbol", "read", "write", "shutdown", "close"] as const) {
    const core = { ...whole, [part]: undefined };
    assert.equal(findSocketOps({ internal, [internal]: { core } }), undefined, part);
  }
  assert.equal(findSocketOps({ internal, [internal]: {} }), undefined);
  assert.equal(findSocketOps({}), undefined);
});
