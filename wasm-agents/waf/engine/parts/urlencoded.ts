import { Bytes, unescaped } from "sentinel";
import { ArgSink } from "./sink";
import { listed, part } from "../../seclang/words";
export function parseUrlEncoded(input: Bytes, sink: ArgSink): void {
  const l = listed(input, 0x26);
  for (let i = 0; i < l.length; i++) {
    const e = l[i].indexOfByte(0x3d);
    if (e < 0) sink.arg(unescaped(l[i].asText()), part(l[i], 0, 0));
    else {sink.arg(
        unescaped(part(l[i], 0, e).asText()),
        unescaped(part(l[i], e + 1, l[i].length).asText()),
      );}
  }
}
