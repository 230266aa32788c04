import { checkCidr } from "./address.ts";
import { refused } from "./refused.ts";
import { block, duration, flag, integer, oneOf, text, texts } from "./schema.ts";
import type { Infer } from "./schema.ts";

/** Options of the process as a whole. */
export const system = block({
  summary: "The process: threads, shutdown, files, and whom to trust.",
  aliases: ["server"],
  required: true,
  fields: {
    workerThreads: integer({
      summary: "Threads that answer requests; 0 means one per CPU core.",
      aliases: ["workers"],
      min: 0,
      max: 256,
      default: 0,
    }),
    maxConnections: integer({
      summary:
        "Downstream connections of all listeners together; beyond it new ones are answered with 503 and closed.",
      min: 1,
      max: 1_000_000,
      default: 10_000,
    }),
    gracefulShutdownTimeoutSecs: duration({
      summary: "How long a shutdown waits for requests in flight.",
      unit: "s",
      min: 0,
      max: 86_400,
      default: 30,
    }),
    pidFile: text({ summary: "File that holds the process id while the proxy runs." }),
    workingDirectory: text({ summary: "Directory to change to at start; relative paths start there." }),
    traceIdFormat: oneOf({
      summary: "Form of generated request ids: short and sortable, or UUID version 4.",
      values: { tinyflake: [], uuid: ["uuid4", "uuidv4", "uuid-v4"] },
      default: "tinyflake",
    }),
    autoReload: flag({ summary: "Reload when a configuration file changes.", default: false }),
    routeCacheSize: integer({
      summary: "Route decisions that every thread remembers.",
      min: 1,
      max: 1_000_000,
      default: 1000,
    }),
    trustedProxies: texts({
      summary: "Networks whose X-Forwarded-* and Forwarded headers are believed.",
      check: checkCidr,
      example: "10.0.0.0/8",
    }),
    daemon: refused({
      summary: "Detaching from the terminal.",
      hint: "let the service manager or the container run it in the foreground",
    }),
    user: refused({ summary: "Changing the user.", hint: "start it as that user; the service manager can" }),
    group: refused({
      summary: "Changing the group.",
      hint: "start it as that group; the service manager can",
    }),
  },
});

/** Options of the process, defaults filled in. */
export type SystemConfig = NonNullable<Infer<typeof system>>;
