import type { Schema } from "../../core/schema.ts";
import type { AcmePorts } from "../ports.ts";

/** A proof in the DNS: a TXT record beside others that the name may have. */
export interface TxtRecord {
  /** The whole name, without the dot at the end. */
  readonly name: string;
  readonly value: string;
}

/** Takes one record away again. Rejects when that fails. */
export interface RemoveRecord {
  (): Promise<void>;
}

/** Writes records of names that are ours. */
export interface DnsProvider {
  /** Rejects with a message for people. */
  add(record: TxtRecord, signal: AbortSignal): Promise<RemoveRecord>;
}

/** A way to write records: one file and one row in the registry. */
export interface DnsProviderKind<Type extends string = string, Options = unknown> {
  /** The word in the configuration. */
  readonly type: Type;
  readonly aliases?: readonly string[];
  /** One sentence for the reference page. */
  readonly summary: string;
  readonly options: Schema<Options>;
  create(options: Options, ports: AcmePorts): DnsProvider;
}

/** Seconds that others may remember a proof: as few as servers allow. */
export const PROOF_TTL_SECS = 60;
