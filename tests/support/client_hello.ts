/** Writes ClientHellos byte by byte, right and wrong ones. */

/** What one says. */
export interface HelloWish {
  readonly version: number;
  readonly suites: readonly number[];
  /** Type and body; null leaves the whole block out. */
  readonly extensions: readonly (readonly [type: number, body: readonly number[]])[] | null;
  /** Bytes after the extensions, where there must be none. */
  readonly tail?: readonly number[];
}

const u16 = (value: number) => [value >> 8, value & 255];
const ascii = (text: string) => Array.from(text, (unit) => unit.charCodeAt(0));
const vector16 = (bytes: readonly number[]) => [...u16(bytes.length), ...bytes];
const vector8 = (bytes: readonly number[]) => [bytes.length, ...bytes];

/** What a client of today says. */
export const HELLO: HelloWish = {
  version: 0x0303,
  suites: [0x1301, 0xc02b],
  extensions: [
    [0, vector16([0, ...vector16(ascii("www.example"))])],
    [13, vector16([...u16(0x0403), ...u16(0x0804)])],
    [16, vector16([...vector8(ascii("h2")), ...vector8(ascii("http/1.1"))])],
    [43, vector8([...u16(0x0304), ...u16(0x0303)])],
    [0x6a6a, [1, 2, 3]],
  ],
};

/** The handshake message. */
export function clientHello({ version, suites, extensions, tail = [] }: HelloWish): Uint8Array {
  const body = [
    ...u16(version),
    ...new Array<number>(32).fill(7),
    ...vector8([1, 2]),
    ...vector16(suites.flatMap(u16)),
    ...vector8([0]),
    ...(extensions === null
      ? []
      : vector16(extensions.flatMap(([type, bytes]) => [...u16(type), ...vector16(bytes)]))),
    ...tail,
  ];
  return Uint8Array.of(1, body.length >> 16, ...u16(body.length & 0xffff), ...body);
}

/** A message in records of so many bytes. */
export function records(message: Uint8Array, size = 16_384): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < message.length; at += size) {
    const piece = message.subarray(at, at + size);
    bytes.push(22, 3, 1, ...u16(piece.length), ...piece);
  }
  return Uint8Array.from(bytes);
}
