import type { ConfigFiles } from "../../src/config/include.ts";

/** Files in memory below `/etc/proxy/`, where `conf/main.kdl` is the configuration. */
export class MemoryFiles implements ConfigFiles {
  readonly #files: ReadonlyMap<string, string>;

  constructor(files: Readonly<Record<string, string>>) {
    this.#files = new Map(Object.entries(files));
  }

  read(path: string): Promise<string> {
    const text = this.#files.get(path);
    return text === undefined ? Promise.reject(new Error("there is no such file")) : Promise.resolve(text);
  }

  async readBytes(path: string, bytesMax: number): Promise<Uint8Array> {
    const bytes = new TextEncoder().encode(await this.read(path));
    if (bytes.length > bytesMax) throw new Error("it is too large");
    return bytes;
  }

  glob(pattern: string, from: string): Promise<readonly string[]> {
    const full = pattern.startsWith("/") ? pattern : from.slice(0, from.lastIndexOf("/") + 1) + pattern;
    const matcher = new RegExp(`^${full.replaceAll(".", "\\.").replaceAll("*", "[^/]*")}$`);
    // Reversed, so that a test notices when nobody sorts.
    return Promise.resolve([...this.#files.keys()].filter((path) => matcher.test(path)).reverse());
  }

  locate(path: string): string {
    return path.startsWith("/") ? path : `/etc/proxy/${path}`;
  }

  identify(path: string): Promise<string> {
    return Promise.resolve(path);
  }
}
