import type { Assets } from "../contract/sentinel_types.ts";
import type { Capability, CommonDeps } from "./capability.ts";

/** A file that the operator listed for an agent. */
export interface Asset {
  readonly bytes: Uint8Array;
  /** Changes whenever the bytes do. */
  readonly version: string;
}

/** What `assets` is made from. */
export interface AssetsDeps extends CommonDeps {
  /** By the name in the configuration. The sizes are bounded where the files are read. */
  readonly assets: ReadonlyMap<string, Asset>;
}

/** Files for the agent's own use, read by the proxy: the agent sees no file system. */
export const assetsCapability = {
  name: "assets",
  key: "assets",
  summary: "Read-only files that the configuration lists for the agent.",
  create: createAssets,
} as const satisfies Capability<"assets", AssetsDeps>;

/** `read` hands out the bytes themselves: they are copied into the guest and must not be written to. */
function createAssets({ assets, meter }: AssetsDeps): Assets {
  return {
    read(name) {
      meter.call("assets", name.length);
      const asset = assets.get(name);
      if (asset === undefined) return undefined;
      meter.answer("assets", asset.bytes.length);
      return asset.bytes;
    },
    version(name) {
      meter.call("assets", name.length);
      return assets.get(name)?.version;
    },
  };
}
