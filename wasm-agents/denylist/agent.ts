/**
 * Blocks requests by address, path, user agent and header. Its tables are built once, when it is configured; a
 * request costs a few lookups whatever the number of entries. Entries may end at a time of their own.
 *
 * Options: `status` (403), `message`, `dry-run`, and the lists `block-ips` (addresses and CIDR blocks), `block-paths`
 * (beginnings), `block-exact-paths`, `block-user-agents` and `block-headers` (parts, or whole values with `*`). An
 * element of a list is a text, or a block with `args`, and with `expires` and `id` as they are wanted; in
 * `block-headers` it names its `header`. Needs `conn-info` for addresses, and `clock` for times.
 */

import { Config, Decision, Description, Range, Request, Text } from "sentinel";
import { AddressLists } from "./addresses";
import { Entries } from "./entries";
import { HeaderTable } from "./headers";
import { PathTable } from "./paths";

/** Most headers that can be looked at: each costs a call into the proxy. */
const HEADERS_MAX: i32 = 16;

const USER_AGENT = Text.of("user-agent");

/** Everything that the configuration says. */
class Settings {
  status: i32 = 403;
  message: string = "";
  isDryRun: bool = false;
  readonly entries: Entries;
  readonly addresses: AddressLists;
  readonly paths: PathTable;
  readonly headers: HeaderTable[] = [];

  constructor() {
    const entries = new Entries();
    this.entries = entries;
    this.addresses = new AddressLists(entries);
    this.paths = new PathTable(entries);
  }

  /** The table for a header, made when it is first asked for. */
  tableFor(header: Text): HeaderTable {
    for (let index = 0; index < this.headers.length; index++) {
      if (this.headers[index].header.equals(header)) return this.headers[index];
    }
    const table = new HeaderTable(header, this.entries);
    this.headers.push(table);
    return table;
  }
}

let settings = new Settings();

/** Names the agent. */
export function describe(): Description {
  return new Description("denylist", "1.0.0", "Blocks addresses, paths, user agents and headers");
}

/** Builds the tables. */
export function onConfigure(config: Config): void {
  const next = new Settings();
  next.status = config.integer("status", 403, new Range(400, 599));
  next.message = config.string("message", "Forbidden");
  next.isDryRun = config.flag("dry-run");
  readList(config, "block-ips", next);
  readList(config, "block-paths", next);
  readList(config, "block-exact-paths", next);
  readList(config, "block-user-agents", next);
  readList(config, "block-headers", next);
  next.addresses.build();
  next.paths.build();
  for (let index = 0; index < next.headers.length; index++) {
    const table = next.headers[index];
    table.build(config, table.header.is("user-agent") ? "block-user-agents" : "block-headers");
  }
  if (next.headers.length > HEADERS_MAX) {
    config.problem("looks at more than " + HEADERS_MAX.toString() + " headers", "block-headers");
  }
  settings = next;
}

/** Reads one list, and hands what it holds to the table that it is for. */
function readList(config: Config, list: string, into: Settings): void {
  const isHeaders = list == "block-headers";
  const items = config.list(list);
  let position = 0;
  for (let index = 0; index < items.length; index++) {
    const item = items[index];
    const first = into.entries.count;
    const added = into.entries.add(item, list, position);
    const table = isHeaders ? headerTable(item, into) : null;
    for (let number = first; number < first + added; number++) {
      if (table !== null) table.add(number, item);
      else if (!isHeaders) place(number, item, into);
    }
    position += added;
  }
}

/** Puts an entry into the table that its list is for. */
function place(number: i32, item: Config, into: Settings): void {
  const list = into.entries.at(number).list;
  if (list == "block-ips") into.addresses.add(number, item);
  else if (list == "block-paths") into.paths.addBeginning(number, item);
  else if (list == "block-exact-paths") into.paths.addExact(number, item);
  else into.tableFor(USER_AGENT).add(number, item);
}

function headerTable(item: Config, into: Settings): HeaderTable | null {
  const name = item.node!.isObject ? item.text("header") : null;
  if (name !== null && name.length > 0) return into.tableFor(name.toLowerCase());
  item.problem('needs a "header" to look at');
  return null;
}

/** Decides by the first entry that fits. */
export function onRequest(request: Request): Decision {
  settings.entries.begin();
  if (!settings.addresses.isEmpty) {
    const number = settings.addresses.find(request.clientAddressText);
    if (number >= 0) return denied(number, "ip", "IP_DENIED");
  }
  if (!settings.paths.isEmpty) {
    const number = settings.paths.find(request.pathText);
    if (number >= 0) return denied(number, "path", "PATH_DENIED");
  }
  const headers = settings.headers;
  for (let index = 0; index < headers.length; index++) {
    const table = unchecked(headers[index]);
    const value = request.headerText(table.header);
    if (value === null) continue;
    const number = table.find(value);
    if (number < 0) continue;
    const isUserAgent = table.header.is("user-agent");
    return denied(
      number,
      isUserAgent ? "user-agent" : "header",
      isUserAgent ? "USER_AGENT_DENIED" : "HEADER_DENIED",
    );
  }
  return Decision.allow();
}

function denied(number: i32, reason: string, code: string): Decision {
  const decision = settings.isDryRun
    ? Decision.allow().withTag("dry-run").withMetadata("would_deny_reason", reason)
    : Decision.block(settings.status).withBody(settings.message).withMetadata("deny_reason", reason);
  return decision.withRuleId(settings.entries.at(number).ruleId).withReasonCode(code).withTag("denylist");
}
