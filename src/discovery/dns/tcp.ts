import type { Dialer, Socket, Timers } from "../../core/ports.ts";
import type { DnsServer } from "../discovery.ts";

/**
 * One message and its answer on a connection of their own, each after its length (RFC 7766 §8). Rejects after
 * `timeoutMs`, or when the connection ends before the answer does.
 */
export async function askByTcp(
  { server, bytes, timeoutMs }: {
    readonly server: DnsServer;
    readonly bytes: Uint8Array;
    readonly timeoutMs: number;
  },
  ports: { readonly dialer: Dialer; readonly timers: Timers },
): Promise<Uint8Array<ArrayBuffer>> {
  let socket: Socket | undefined;
  let timedOut = false;
  const cancel = ports.timers.after(timeoutMs, () => {
    timedOut = true;
    socket?.close();
  });
  try {
    const address = { type: "ip", host: server.ip, port: server.port } as const;
    socket = await ports.dialer.connect({ address, timeoutMs });
    const framed = new Uint8Array(2 + bytes.length);
    new DataView(framed.buffer).setUint16(0, bytes.length);
    framed.set(bytes, 2);
    for (let rest = framed; rest.length > 0;) rest = rest.subarray(await socket.write(rest));
    const length = await readExactly(socket, 2);
    return await readExactly(socket, new DataView(length.buffer).getUint16(0));
  } catch (cause) {
    throw timedOut ? new Error(`no answer over TCP within ${timeoutMs} ms`, { cause }) : cause;
  } finally {
    cancel();
    socket?.close();
  }
}

async function readExactly(socket: Socket, count: number): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(count);
  let at = 0;
  while (at < count) {
    const read = await socket.read(bytes.subarray(at));
    if (read === 0) throw new Error("the connection ended inside an answer");
    at += read;
  }
  return bytes;
}
