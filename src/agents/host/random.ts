import type { Random as RandomPort } from "../../core/ports.ts";
import type { Random } from "../contract/sentinel_types.ts";
import { type Capability, type CommonDeps, misuse } from "./capability.ts";

/** Most bytes of one call. */
export const RANDOM_BYTES_MAX = 65_536;

/** What a call costs, and each byte: measured, rounded up. */
const CALL_NANOSECONDS = 50;
const BYTE_NANOSECONDS = 2;

/** What `random` is made from. */
export interface RandomDeps extends CommonDeps {
  readonly random: RandomPort;
}

/** Numbers that nobody can predict. */
export const randomCapability = {
  name: "random",
  key: "random",
  summary: "Unpredictable numbers and bytes, at most 65536 bytes a call.",
  create: createRandom,
} as const satisfies Capability<"random", RandomDeps>;

function createRandom({ random, meter }: RandomDeps): Random {
  return {
    word() {
      meter.call("random", 0);
      meter.work("random", CALL_NANOSECONDS);
      return random.u32();
    },
    bytes(count) {
      meter.call("random", 0);
      if (count > RANDOM_BYTES_MAX) {
        throw misuse("random#bytes", `${count} bytes asked for, ${RANDOM_BYTES_MAX} are allowed`);
      }
      meter.work("random", CALL_NANOSECONDS + count * BYTE_NANOSECONDS);
      meter.answer("random", count);
      const words = new Uint32Array(Math.ceil(count / 4));
      for (let i = 0; i < words.length; i++) words[i] = random.u32();
      return new Uint8Array(words.buffer, 0, count);
    },
  };
}
