/** Text with `{{name}}` places, cut up once so that filling it in is joining strings. */
export class Template<Name extends string> {
  readonly #texts: readonly string[];
  readonly #names: readonly Name[];

  /** Places with other names than these stay as they are written. */
  constructor(text: string, names: readonly Name[]) {
    const texts = [""];
    const found: Name[] = [];
    for (const piece of text.split(/(\{\{\s*\w+\s*\}\})/)) {
      const name = /^\{\{\s*(\w+)\s*\}\}$/.exec(piece)?.[1] as Name | undefined;
      if (name === undefined || !names.includes(name)) {
        texts[texts.length - 1] += piece;
      } else {
        found.push(name);
        texts.push("");
      }
    }
    this.#texts = texts;
    this.#names = found;
  }

  fill(values: Readonly<Record<Name, string>>): string {
    let out = this.#texts[0]!;
    for (let i = 0; i < this.#names.length; i++) out += values[this.#names[i]!] + this.#texts[i + 1]!;
    return out;
  }
}
