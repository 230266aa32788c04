/** What directives and the agent's options say about the engine as a whole. */

import { Bytes, Text } from "sentinel";
import { ENGINE_ON } from "./model";

/** What happens to a body that is over the limit. */
export const LIMIT_REJECT: i32 = 0;
export const LIMIT_PARTIAL: i32 = 1;

/** Of the agent as a whole; directives change it, options have the last word. */
export class Settings {
  engine: i32 = ENGINE_ON;
  readsRequestBody: bool = true;
  readsResponseBody: bool = false;
  requestBodyLimit: i32 = 1 << 20;
  /** Bytes of a body besides the contents of files: all that rules look at. */
  requestBodyNoFilesLimit: i32 = 128 << 10;
  requestBodyLimitAction: i32 = LIMIT_REJECT;
  responseBodyLimit: i32 = 512 << 10;
  responseBodyLimitAction: i32 = LIMIT_PARTIAL;
  /** Types of responses whose bodies are read. */
  responseTypes: Bytes[] = [Text.of("text/plain"), Text.of("text/html")];
  /** Types of requests whose bodies are read, or their beginnings; none: all. */
  requestTypes: Bytes[] = [];
  argumentsMax: i32 = 1000;
  jsonDepthMax: i32 = 512;
  filesMax: i32 = 100;
  argumentSeparator: u32 = 0x26;
  /** Seconds that a collection lasts without being written to. */
  collectionTimeoutS: i32 = 3600;
  signature: Text = Text.of("");
  /** Whether a rule looks at what is wrong with a body. Where none does, such a body is looked at as a whole besides. */
  judgesBodyErrors: bool = true;
  /** The same for multipart bodies that servers may read in different ways. */
  judgesStrictErrors: bool = true;
}
