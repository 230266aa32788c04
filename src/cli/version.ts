import manifest from "../../deno.json" with { type: "json" };

/** Version of the program, from its manifest. */
export const VERSION: string = manifest.version;

/** What `--version` prints. */
export function versionLine(): string {
  return `sentinel ${VERSION} (deno ${Deno.version.deno})`;
}
