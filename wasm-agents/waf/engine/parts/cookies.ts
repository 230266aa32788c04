import { Bytes } from "sentinel";
import { ArgSink } from "./sink";
import { listed, part } from "../../seclang/words";
export function parseCookies(input: Bytes, sink: ArgSink): void {
  const l = listed(input, 0x3b);
  for (let i = 0; i < l.length; i++) {
    const e = l[i].indexOfByte(0x3d);
    if (e < 0) sink.cookie(l[i], part(l[i], 0, 0));
    else sink.cookie(part(l[i], 0, e), part(l[i], e + 1, l[i].length));
  }
}
