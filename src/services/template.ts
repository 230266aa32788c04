const encoder = new TextEncoder();

/** Text with `{{name}}` places, cut up once so that filling it in is joining strings. */
export class Template<Name extends string> {
  #texts: readonly string[];
  #names: readonly Name[];

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

  /** The same with some places filled in for good. Nothing in their values counts as a place. */
  bind<Known extends Name>(values: Readonly<Record<Known, string>>): Template<Exclude<Name, Known>> {
    const known = new Map<string, string>(Object.entries(values));
    const texts = [this.#texts[0]!];
    const names: Exclude<Name, Known>[] = [];
    for (const [i, name] of this.#names.entries()) {
      const value = known.get(name);
      const text = this.#texts[i + 1]!;
      if (value === undefined) {
        names.push(name as Exclude<Name, Known>);
        texts.push(text);
      } else {
        texts[texts.length - 1] += value + text;
      }
    }
    const bound = new Template<Exclude<Name, Known>>("", []);
    bound.#texts = texts;
    bound.#names = names;
    return bound;
  }

  /** The same for filling in as UTF-8. */
  encoded(): EncodedTemplate<Name> {
    return new EncodedTemplate(this.#texts.map((text) => encoder.encode(text)), this.#names);
  }
}

/** A template whose fixed parts are encoded already, so that filling it in is copying bytes. */
class EncodedTemplate<Name extends string> {
  readonly #parts: readonly Uint8Array[];
  readonly #names: readonly Name[];
  readonly #fixedBytes: number;

  constructor(parts: readonly Uint8Array[], names: readonly Name[]) {
    this.#parts = parts;
    this.#names = names;
    this.#fixedBytes = parts.reduce((sum, part) => sum + part.length, 0);
  }

  /** New bytes. The values must be ASCII. */
  fill(values: Readonly<Record<Name, string>>): Uint8Array {
    const names = this.#names;
    let length = this.#fixedBytes;
    for (let i = 0; i < names.length; i++) length += values[names[i]!].length;
    const bytes = new Uint8Array(length);
    bytes.set(this.#parts[0]!, 0);
    let at = this.#parts[0]!.length;
    for (let i = 0; i < names.length; i++) {
      const value = values[names[i]!];
      for (let j = 0; j < value.length; j++) bytes[at++] = value.charCodeAt(j);
      const part = this.#parts[i + 1]!;
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }
}
