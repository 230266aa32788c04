// deno-lint-ignore-file verbatim-module-syntax
/** Does what its tests ask for: the request's path names a part of the SDK, its query is what that part works on. */

import {
  assets,
  Bytes,
  bytesUsed,
  clock,
  Config,
  crypto,
  Decision,
  Description,
  Fetch,
  Glob,
  Hash,
  instantOf,
  JsonReader,
  jsonString,
  jsonText,
  kv,
  random,
  Request,
  Signature,
  Text,
  unescaped,
} from "sentinel";

/** State of every kind that can outlive a call. */
let last = "none";
const seen = new Map<string, i32>();
const list: string[] = [];
let hook = "";

export function describe(): Description {
  return new Description("probe", "1.0.0", "Serves the tests of the SDK");
}

export function onConfigure(config: Config): void {
  hook = config.string("hook");
  config.json("anything");
}

export function onRequest(request: Request): Decision {
  const path = request.path;
  const query = unescaped(request.queryText);
  if (path == "/json") return told(jsonOf(query));
  if (path == "/string") return told(stringOf(query));
  if (path == "/number") return told(numberOf(query));
  if (path == "/encode") return told(jsonText(jsonString(query)).toString());
  if (path == "/instant") return told(shown(instantOf(query)));
  if (path == "/glob") return told(globOf(query));
  if (path == "/param") return told(shownOrNull(request.queryParam("q")));
  if (path == "/state") return told(keep(query.toString()));
  if (path == "/memory") return told(bytesUsed().toString());
  if (path == "/waste") return told(waste());
  if (path == "/request") return told(facts(request));
  if (path == "/connection") return told(connection(request));
  if (path == "/kv") return told(keyValues());
  if (path == "/crypto") return told(cryptography());
  if (path == "/assets") return told(assetOf(query.toString()));
  if (path == "/random") return told(randomness());
  if (path == "/clock") return told(shown(clock.wallMs()) + " " + shown(clock.monotonicMs()));
  if (path == "/fetch") return told(fetched());
  return Decision.allow();
}

function told(result: string): Decision {
  return Decision.allow().withAudit("result", result);
}

function shown(value: f64): string {
  return isNaN(value) ? "NaN" : (<i64> value).toString();
}

function shownOrNull(value: string | null): string {
  return value === null ? "(null)" : value;
}

function jsonOf(text: Text): string {
  const reader = new JsonReader(text);
  const json = reader.read();
  return json === null ? "! " + reader.problem : jsonText(json, 16).toString();
}

function stringOf(text: Text): string {
  const json = new JsonReader(text).read();
  return json === null || !json.isString ? "!" : json.text.toString();
}

/** The 64 bits of the number, so that nothing is lost on the way. */
function numberOf(text: Text): string {
  const json = new JsonReader(text).read();
  return json === null || !json.isNumber ? "!" : reinterpret<u64>(json.number).toString();
}

function globOf(text: Text): string {
  const bar = text.indexOfByte(0x7c);
  const captures = new Glob(text.slice(0, bar)).captures(text.slice(bar + 1));
  return captures === null ? "(null)" : captures.join(",");
}

/** Changes what outlives the call in the way asked for, or tells all of it. */
function keep(word: string): string {
  const made = "made-" + word + "-here";
  if (word.startsWith("global")) last = made;
  if (word.startsWith("map")) seen.set(made, (seen.has(made) ? seen.get(made) : 0) + 1);
  if (word.startsWith("list")) list.push(made);
  if (word != "look") return "";
  return last + ";" + seen.keys().map<string>((key) => key + "=" + seen.get(key).toString()).join(",") + ";" +
    list.join(",") + ";" + hook;
}

function waste(): string {
  let text = "";
  for (let round = 0; round < 200; round++) text += "0123456789";
  return text.length.toString();
}

function facts(request: Request): string {
  const headers = request.headers;
  let lines = "";
  for (let index = 0; index < headers.length; index++) {
    lines += headers[index].name.toString() + "=" + headers[index].value.toString() + ",";
  }
  return [
    request.id,
    request.method,
    request.target,
    request.host,
    request.traceparent,
    shownOrNull(request.route),
    shownOrNull(request.upstream),
    shownOrNull(request.metadata("note")),
    shownOrNull(request.userAgent),
    shownOrNull(request.contentType),
    shownOrNull(request.authorization),
    request.contentLength.toString(),
    request.isGet.toString(),
    request.isPost.toString(),
    request.pathEquals("/request").toString(),
    lines,
  ].join(" ");
}

function connection(request: Request): string {
  const tls = request.tls;
  const address = request.clientAddress + " " + request.clientPort.toString();
  if (tls === null) return address;
  const certificate = tls.clientCertificate;
  const name = tls.serverName;
  return address + " " + tls.version.toString() + " " + tls.cipher.toString() + " " +
    (name === null ? "(null)" : name.toString()) + " " +
    (tls.alpn === null ? "(null)" : tls.alpn!.toString()) + " " +
    (certificate === null ? "(null)" : certificate.length.toString()) + " " + tls.clientVerified.toString();
}

function keyValues(): string {
  const results: string[] = [];
  results.push(shownOrNull(kv.getText("a")));
  results.push(kv.setText("a", "ä", 1000).toString());
  results.push(shownOrNull(kv.getText("a")));
  results.push(kv.compareAndSet("a", null, Bytes.of("b")).toString());
  results.push(kv.compareAndSet("a", Bytes.of("ä"), Bytes.of("b")).toString());
  results.push(kv.delete("a").toString());
  results.push(kv.incr("n", 5).toString());
  results.push(kv.incr("n", -7).toString());
  results.push(kv.take("t", 3, 1, 4).toString());
  results.push(kv.take("t", 3, 1, 4).toString());
  return results.join(" ");
}

function cryptography(): string {
  const digest = crypto.digest(Hash.SHA256, Bytes.of("abc"));
  const mac = crypto.hmac(Hash.SHA256, Bytes.of("key"), Bytes.of("abc"));
  const checked = crypto.verify(Signature.EDDSA, "{}", digest, mac);
  return hex(digest) + " " + hex(mac) + " " + crypto.equal(digest, mac).toString() + " " +
    (checked.isError ? checked.error.toString() : checked.value.toString());
}

function hex(bytes: Bytes): string {
  let text = "";
  for (let index = 0; index < 4; index++) text += bytes.byteAt(index).toString(16).padStart(2, "0");
  return text + "/" + bytes.length.toString();
}

function assetOf(name: string): string {
  const asset = assets.read(name);
  return (asset === null ? "(null)" : asset.toString()) + " " + shownOrNull(assets.version(name));
}

function randomness(): string {
  const fraction = random.fraction();
  return (fraction >= 0 && fraction < 1).toString() + " " + random.bytes(5).length.toString() + " " +
    random.word().toString();
}

function fetched(): string {
  const result = Fetch.post("https://list.test/x", Bytes.of("body")).withHeader("x-a", "1").withTimeoutMs(50)
    .send();
  if (result.isError) return "! " + result.error.toString();
  const answer = result.value;
  return answer.status.toString() + " " + answer.headers[0].name.toString() + "=" +
    answer.headers[0].value.toString() +
    " " + answer.body.toString();
}
