import type { TlsFacts } from "../core/tls.ts";
import { jsonText } from "./log_text.ts";

/**
 * What log lines tell of a connection's TLS: a field of a JSON object, its comma before it. The text is kept, as it
 * is the same for all requests of a connection.
 */
export function createTlsField(): (facts: TlsFacts) => string {
  const texts = new WeakMap<TlsFacts, string>();
  return (facts) => {
    let text = texts.get(facts);
    if (text === undefined) {
      text = render(facts);
      texts.set(facts, text);
    }
    return text;
  };
}

function render({ version, cipher, serverName, resumed, client }: TlsFacts): string {
  let text = `,"tls":{"version":${jsonText(version)},"cipher":${jsonText(cipher)},"resumed":${resumed}`;
  if (serverName !== "") text += `,"server_name":${jsonText(serverName)}`;
  if (client !== null) {
    text += `,"client":{"verify":${jsonText(client.problem === "" ? "success" : client.problem)}` +
      `,"subject":${jsonText(client.subject)},"serial":${jsonText(client.serial)}` +
      `,"fingerprint":${jsonText(client.fingerprint)}}`;
  }
  return text + "}";
}

/** The client's subject, or why it is not believed; undefined when it showed no certificate. */
export function clientText({ client }: TlsFacts): string | undefined {
  if (client === null) return undefined;
  return client.problem === "" ? client.subject : `!${client.problem}`;
}
