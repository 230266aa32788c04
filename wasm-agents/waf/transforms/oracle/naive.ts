/** Plain versions of all transformations, over strings with one unit for each byte; made to be easy to check, not fast. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

type Naive = (input: string) => string;

const char = (code: number) => String.fromCharCode(code & 255);
const hex = (digits: string) => parseInt(digits, 16);
const SPACE = "[ \\t\\n\\v\\f\\r]";

/** Lower byte of a character; the full-width forms of ASCII as ASCII. */
function narrow(digits: string): string {
  const code = hex(digits);
  return char(code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 : code);
}

const CONTROLS: Record<string, string> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

const ENTITIES: Record<string, string> = {
  quot: '"',
  amp: "&",
  lt: "<",
  gt: ">",
  nbsp: "\xa0",
};

function entity(
  whole: string,
  decimal: string,
  digits: string,
  name: string,
): string {
  if (name !== undefined) return ENTITIES[name.toLowerCase()] ?? whole;
  const value = BigInt(digits === undefined ? decimal : `0x${digits}`);
  return value > 0x7fff_ffff_ffff_ffffn ? "\xff" : char(Number(value & 255n));
}

function css(_: string, digits: string, other: string): string {
  if (digits === undefined) return other === "\n" ? "" : other;
  return narrow(digits);
}

function utf8(input: string): string {
  const whole = /[\xc0-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf7][\x80-\xbf]{3}|[^]/g;
  return input.replace(whole, (bytes) => {
    const first = bytes.charCodeAt(0);
    if (first === 0) return "";
    const early = first >= 0xf5 && first < 0xf8 ? bytes[0]! : "";
    if (bytes.length === 1) return first < 0xc0 || first > 0xf7 ? bytes : early;
    const bits = [...bytes].map((byte, index) =>
      index > 0
        ? (byte.charCodeAt(0) & 63).toString(2).padStart(6, "0")
        : (first & (127 >> bytes.length)).toString(2)
    );
    const code = parseInt(bits.join(""), 2);
    const isSurrogate = code >= 0xd800 && code < 0xe000;
    const isLong = code < [0, 0, 0x80, 0x800, 0x10000][bytes.length]!;
    return `${early}%u${code.toString(16).padStart(4, "0")}${isSurrogate ? bytes[0] : ""}${
      isLong ? bytes[0] : ""
    }`;
  });
}

function base64(text: string): string {
  return Buffer.from(text.length % 4 === 1 ? text.slice(0, -1) : text, "base64")
    .toString("latin1");
}

function base64Ext(input: string): string {
  let digits = 0;
  for (const [index, unit] of [...input].entries()) {
    if (unit === "=" && digits % 4 === 1 && input[index + 1] !== "=") return "";
    if (/[A-Za-z0-9+/_-]/.test(unit)) digits++;
  }
  return base64(
    input.replace(/[^A-Za-z0-9+/_-]/g, "").replace(/-/g, "+").replace(
      /_/g,
      "/",
    ),
  );
}

function removeComments(input: string): string {
  const pattern = /(?:\/\*|<!--)(?:[^]*?(?:\*\/|-->)([^])?|[^]*$())|(--|#)[^]*$/g;
  return input.replace(pattern, (_, behind, open, rest) => {
    if (rest !== undefined) return "";
    return open !== undefined ? " " : behind ?? "\0";
  });
}

function cmdLine(input: string): string {
  return input.replace(/["'\\^]/g, "").replace(/[ ,;\t\r\n]+/g, " ").replace(
    / (?=[/(])/g,
    "",
  )
    .replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

function parity(input: string, want: number): string {
  return [...input].map((byte) => {
    const code = byte.charCodeAt(0);
    const ones = [...code.toString(2)].filter((bit) => bit === "1").length;
    return char(ones % 2 === want ? code | 128 : code & 127);
  }).join("");
}

/** ModSecurity works in place; this works on a list of the bytes written so far. */
function path(input: string): string {
  if (input === "") return "";
  const written: string[] = [];
  const isRelative = input[0] !== "/";
  let isAtRoot = false;
  for (let index = 0; index < input.length;) {
    const isLast = index === input.length - 1;
    const isSegmentEnd = isLast || input[index + 1] === "/";
    if (isSegmentEnd && input[index] === ".") {
      if (written.at(-1) === ".") {
        if (isRelative && (isAtRoot || written.length <= 2)) isAtRoot = true;
        else {
          const slash = written.lastIndexOf(
            "/",
            Math.max(written.length - 3, 0),
          );
          written.length = Math.max(slash, 0);
          if (written.length === 0) {
            isAtRoot = true;
            if (!isRelative && isLast) written.push("/");
          }
          if (isLast) break;
          index++;
        }
      } else if (written.length === 0 || written.at(-1) === "/") {
        if (isLast) break;
        written.pop();
        index++;
      }
    } else if (isSegmentEnd && input[index] !== "/" && written.length > 0) {
      isAtRoot = false;
    }
    if (input[index] === "/") {
      while (input[index + 1] === "/") index++;
      if (isRelative && written.length === 0) {
        index++;
        continue;
      }
    }
    written.push(input[index++]!);
  }
  if (!input.endsWith("/") && written.at(-1) === "/") written.pop();
  return written.join("");
}

function looseHex(input: string): string {
  const value = (unit: string) => {
    const code = unit.charCodeAt(0);
    return code >= 65 ? (code & 0xdf) - 65 + 10 : code - 48;
  };
  return input.replace(
    /[^][^]?/g,
    (pair) => pair.length < 2 ? "" : char(value(pair[0]!) * 16 + value(pair[1]!)),
  );
}

function digest(name: string): Naive {
  return (input) =>
    createHash(name).update(Buffer.from(input, "latin1")).digest().toString(
      "latin1",
    );
}

export const NAIVE: Readonly<Record<string, Naive>> = {
  none: (input) => input,
  lowercase: (input) => input.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
  uppercase: (input) => input.replace(/[a-z]/g, (letter) => letter.toUpperCase()),
  urlDecode: (input) =>
    input.replace(
      /\+|%([0-9a-f]{2})/gi,
      (_, digits) => digits ? char(hex(digits)) : " ",
    ),
  urlDecodeUni: (input) =>
    input.replace(
      /\+|%u([0-9a-f]{4})|%([0-9a-f]{2})/gi,
      (_, wide, digits) => wide ? narrow(wide) : digits ? char(hex(digits)) : " ",
    ),
  urlEncode: (input) =>
    input.replace(
      /[^a-zA-Z0-9*]/g,
      (byte) => byte === " " ? "+" : `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`,
    ),
  htmlEntityDecode: (input) => input.replace(/&(?:#([0-9]+)|#x([0-9a-f]+)|([0-9a-z]+));?/gi, entity),
  jsDecode: (input) =>
    input.replace(
      /\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([0-3][0-7]{0,2}|[4-7][0-7]?)|([^]))/g,
      (_, wide, digits, octal, other) =>
        wide
          ? narrow(wide)
          : digits
          ? char(hex(digits))
          : octal
          ? char(parseInt(octal, 8))
          : CONTROLS[other] ?? other,
    ),
  cssDecode: (input) =>
    input.replace(
      new RegExp(`\\\\(?:([0-9a-fA-F]{1,6})${SPACE}?|([^]|$))`, "g"),
      css,
    ),
  escapeSeqDecode: (input) =>
    input.replace(
      /\\(?:[xX]([0-9a-fA-F]{2})|([0-7]{1,3})|([^]))/g,
      (_, digits, octal, other) =>
        digits ? char(hex(digits)) : octal ? char(parseInt(octal, 8)) : CONTROLS[other] ?? other,
    ),
  base64Decode: (input) => base64(/^[A-Za-z0-9+/]*/.exec(input)![0]),
  base64DecodeExt: base64Ext,
  base64Encode: (input) => Buffer.from(input, "latin1").toString("base64"),
  hexDecode: looseHex,
  hexEncode: (input) => Buffer.from(input, "latin1").toString("hex"),
  sqlHexDecode: (input) =>
    input.replace(
      /0x((?:[0-9a-f]{2})+)([^]?)/gi,
      (_, digits, behind) => Buffer.from(digits, "hex").toString("latin1") + behind,
    ),
  cmdLine,
  compressWhitespace: (input) => input.replace(new RegExp(`${SPACE}+`, "g"), " "),
  removeWhitespace: (input) => input.replace(new RegExp(`${SPACE}|\\xa0`, "g"), ""),
  removeNulls: (input) => input.replaceAll("\0", ""),
  replaceNulls: (input) => input.replaceAll("\0", " "),
  removeComments,
  replaceComments: (input) => input.replace(/\/\*(?:[^]*?\*\/|[^]*$)/g, " "),
  removeCommentsChar: (input) => input.replace(/\/\*|\*\/|<!--|-->|--|#/g, ""),
  normalizePath: path,
  normalizePathWin: (input) => path(input.replaceAll("\\", "/")),
  utf8toUnicode: utf8,
  length: (input) => String(input.length),
  md5: digest("md5"),
  sha1: digest("sha1"),
  trim: (input) => input.replace(new RegExp(`^${SPACE}+|${SPACE}+$`, "g"), ""),
  trimLeft: (input) => input.replace(new RegExp(`^${SPACE}+`), ""),
  trimRight: (input) => input.replace(new RegExp(`${SPACE}+$`), ""),
  parityEven7bit: (input) => parity(input, 1),
  parityOdd7bit: (input) => parity(input, 0),
  parityZero7bit: (input) => [...input].map((byte) => char(byte.charCodeAt(0) & 127)).join(""),
};
