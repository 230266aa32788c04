/** The parser of each kind of body. */

import { Bytes } from "sentinel";
import { parseUrlEncoded } from "./parts/urlencoded";
import { BODY_URLENCODED } from "../seclang/ctls";
import { SINK } from "./list_sink";

/** Takes a body apart into the lists; what is wrong with it, or null. `isPartial` says that its end is missing. */
export function parseBody(
  processor: i32,
  body: Bytes,
  contentType: Bytes | null,
  isPartial: bool,
): Bytes | null {
  if (processor == BODY_URLENCODED) parseUrlEncoded(body, SINK);
  return null;
}
