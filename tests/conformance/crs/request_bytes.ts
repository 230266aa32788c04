/** The bytes of a test's request, put together the way the suite's own runner (go-ftw) does. */

/** A request as a test describes it. */
export interface RequestSpec {
  readonly method: string;
  readonly uri: string;
  /** May be empty or wrong: it is sent as it stands. */
  readonly version: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly data: string;
  /** The whole request in base64; nothing else counts then. */
  readonly encodedRequest: string | undefined;
  /** Adds content type, length and `Connection: close` where they are missing, and encodes form data. */
  readonly autocomplete: boolean;
}

const FORM = "application/x-www-form-urlencoded";

/** Methods whose requests get a length even without a body. The suite's runner anchors only the outer two. */
const METHOD_WITH_BODY = /^POST|PUT|PATCH|DELETE$/;

const encoder = new TextEncoder();

/** Everything to be sent for the request, byte by byte. */
export function requestBytes(spec: RequestSpec): Uint8Array<ArrayBuffer> {
  if (spec.encodedRequest !== undefined) return fromBase64(spec.encodedRequest);
  const headers = [...spec.headers];
  const find = (name: string) => headers.find(([each]) => each.toLowerCase() === name)?.[1];
  const complete = (name: string, value: string) => {
    if (find(name.toLowerCase()) === undefined) headers.push([name, value]);
  };
  let data = spec.data;
  if (data !== "" && spec.autocomplete) {
    complete("Content-Type", FORM);
    if (find("content-type") === FORM) data = encodeForm(data);
  }
  if (find("content-type")?.startsWith("multipart/form-data;")) {
    data = data.replaceAll("\n", "\r\n");
  }
  const body = encoder.encode(data);
  if (spec.autocomplete) {
    if ((find("connection") ?? "") === "") {
      headers.push(["Connection", "close"]);
    }
    if (body.length > 0 || METHOD_WITH_BODY.test(spec.method)) {
      complete("Content-Length", String(body.length));
    }
  }
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join(
    "",
  );
  const head = encoder.encode(
    `${spec.method} ${spec.uri} ${spec.version}\r\n${lines}\r\n`,
  );
  const whole = new Uint8Array(head.length + body.length);
  whole.set(head);
  whole.set(body, head.length);
  return whole;
}

/** Encodes names and values of a form, unless something in it is encoded already. */
function encodeForm(data: string): string {
  if (isEncoded(data)) return data;
  return data.split("&").map((pair) => {
    const equals = pair.indexOf("=");
    if (equals < 0) return escapeQuery(pair);
    return `${escapeQuery(pair.slice(0, equals))}=${escapeQuery(pair.slice(equals + 1))}`;
  }).join("&").replace(/&$/, "");
}

/** True when decoding would change the text, or fail: then it is sent as it is. */
function isEncoded(data: string): boolean {
  return /[+%]/.test(data);
}

/** Percent-encodes everything but letters, digits and `-_.~`; a space becomes `+`. */
function escapeQuery(text: string): string {
  let escaped = "";
  for (const byte of encoder.encode(text)) {
    const character = String.fromCharCode(byte);
    if (/[A-Za-z0-9\-_.~]/.test(character)) escaped += character;
    else if (byte === 0x20) escaped += "+";
    else escaped += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return escaped;
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromBase64(text.replace(/\s/g, ""));
}
