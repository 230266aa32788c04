/** Reads the agent's options and rule files, and makes them ready to run. */

import { Bytes, Config, keepCall, Range, Text } from "sentinel";
import { wipeCache } from "../regex/cache";
import { builtinRules } from "../rules/builtin";
import { DirectiveReader } from "../seclang/directives";
import { ENGINE_DETECTION, ENGINE_OFF, ENGINE_ON, Rule, SetVar } from "../seclang/model";
import { Place } from "../seclang/problems";
import { RuleSet } from "../seclang/rule_set";
import { LIMIT_PARTIAL, LIMIT_REJECT, Settings } from "../seclang/settings";
import { applyUpdates } from "../seclang/updates";
import { VAR_DURATION } from "../seclang/variables";
import { noteBodyJudges } from "./body_judges";
import { setCollectionTimeout } from "./collections";
import { Exclusions } from "./exclusions";
import { settleForegone, useProgram } from "./execute";
import { isNoticed } from "./foregone";
import { usePlaces } from "./match_place";
import { markLasting, setPool } from "./keeping";
import { setArgumentsMax } from "./list_sink";
import { Program } from "./program";
import { neverMatchingWithoutBody } from "./prune";
import { setRedacted } from "./redaction";
import { poolAt, poolBytes, prepareSlots } from "./slots";
import { clearStores, presetNumber } from "./stores";
import { rowBytes } from "./texts";
import { prepareValueCache } from "./value_cache";

/** What is not shown in logs unless the operator says otherwise. */
const REDACTED: string[] = [
  "REQUEST_HEADERS:authorization",
  "REQUEST_HEADERS:proxy-authorization",
  "REQUEST_HEADERS:cookie",
  "ARGS:password",
  "ARGS:passwd",
  "ARGS_POST:password",
  "ARGS_POST:passwd",
];

const BUILTIN_FILE = "builtin.conf";

/** Memory for what lasts of transactions from call to call. */
const STATE_BYTES: i32 = 4 << 20;

/** No limit of bytes can be set higher. */
const BODY_BYTES_MAX: f64 = 268435456;

/** How the agent is set up. */
export class Setup {
  settings: Settings = new Settings();
  exclusions: Exclusions = new Exclusions();
  program: Program = new Program();
  /** Whether a body of JSON or XML is read as such without a rule that says so. */
  takesJsonAndXml: bool = true;
  /** Whether any rule asks how long the request has taken. */
  usesDuration: bool = false;
  /** Whether rules run after the request was sent, so that its state must last. */
  hasLaterPhases: bool = true;
  /** The same for responses whose bodies are not looked at: often there is nothing for rules to see then. */
  hasLaterPhasesWithoutBody: bool = true;
  /** Whether rules run at the very end, and anybody can tell. */
  hasLastPhase: bool = true;
  /** Whether any rule opens a collection. */
  usesCollections: bool = true;
  logsLastPhase: bool = false;
}

/** Reads everything; what is wrong is reported to `config`. */
export function readSetup(config: Config): Setup {
  const setup = new Setup();
  const set = new RuleSet();
  const reader = new DirectiveReader(set, config.texts("files"));
  set.reader = reader.actionReader;
  readPresets(config, set);
  readRules(config, reader, set);
  applyUpdates(set, reader.actionReader);
  const exclusions = Exclusions.read(config, set);
  refuseDuplicates(set);
  keepPresets(set);
  setup.exclusions = exclusions;
  setup.settings = set.settings;
  readOptions(config, setup);
  const isTracing = config.flag("trace");
  setup.logsLastPhase = config.flag("log-last-phase");
  const logsWarnings = config.flag("log-warnings");
  const stateBytes = config.integer(
    "state-bytes",
    STATE_BYTES,
    new Range(65536, BODY_BYTES_MAX),
  );
  // Also with problems, so that those of operators are found too.
  setup.program = Program.compile(set, reader.actionReader, isTracing);
  exclusions.resolve(setup.program.rules);
  noteBodyJudges(setup.program.rules, setup.settings, set.problems);
  for (let index = 0; index < set.presetSlots.length; index++) {
    presetNumber(set.presetSlots[index], set.presetNumbers[index]);
  }
  prepareSlots(stateBytes);
  setPool(poolAt(), poolAt() + poolBytes());
  prepareValueCache(rowBytes());
  set.problems.report(config);
  if (logsWarnings) set.problems.logWarnings();
  setup.usesDuration = usesDuration(setup.program);
  setup.usesCollections = usesCollections(setup.program);
  setup.hasLastPhase = !set.problems.hasErrors && setup.program.phases[5].rules.length > 0 &&
    (setup.logsLastPhase || setup.usesCollections);
  const phases = setup.program.phases;
  setup.hasLaterPhases = !set.problems.hasErrors && phases[3].rules.length + phases[4].rules.length > 0 &&
    (setup.hasLastPhase || isTracing || isNoticed(phases[3].rules) || isNoticed(phases[4].rules));
  setup.hasLaterPhasesWithoutBody = setup.hasLaterPhases &&
    (setup.hasLastPhase || setup.usesCollections || isTracing || isNoticed(laterRulesWithoutBody(set)));
  useProgram(setup.program, isTracing);
  usePlaces(setup.program.operations);
  clearStores(false);
  settleForegone();
  wipeCache();
  keepCall();
  markLasting();
  return setup;
}

/** Rules that can match for a response whose body is not looked at. */
function laterRulesWithoutBody(set: RuleSet): StaticArray<Rule> {
  const isNeverMet = neverMatchingWithoutBody(set);
  const rules = new Array<Rule>();
  for (let index = 0; index < set.rules.length; index++) {
    const rule = set.rules[index];
    if (!isNeverMet[index] && (rule.phase == 3 || rule.phase == 4)) rules.push(rule);
  }
  return StaticArray.fromArray<Rule>(rules);
}

function readRules(
  config: Config,
  reader: DirectiveReader,
  set: RuleSet,
): void {
  const names = config.texts("rules");
  for (let index = 0; index < names.length; index++) {
    const name = names[index].toString();
    if (!reader.readAsset(name)) {
      set.problems.error(new Place(name, 0), "there is no such file");
    }
  }
  if (names.length == 0) reader.read(BUILTIN_FILE, builtinRules());
}

/** Options that CRS knows as variables of its setup. */
function readPresets(config: Config, set: RuleSet): void {
  const level = config.integer("paranoia-level", 0, new Range(1, 4));
  const detection = config.integer(
    "detection-paranoia-level",
    level,
    new Range(1, 4),
  );
  if (level > 0) {
    preset(set, "blocking_paranoia_level", level);
    // As CRS 3 calls it.
    preset(set, "paranoia_level", level);
  }
  if (detection > 0) {
    preset(set, "detection_paranoia_level", detection);
    preset(set, "executing_paranoia_level", detection);
    if (detection < level) {
      config.problem(
        "must not be below paranoia-level",
        "detection-paranoia-level",
      );
    }
  }
  const inbound = config.integer("inbound-threshold", 0, new Range(1, 100000));
  if (inbound > 0) preset(set, "inbound_anomaly_score_threshold", inbound);
  const outbound = config.integer(
    "outbound-threshold",
    0,
    new Range(1, 100000),
  );
  if (outbound > 0) preset(set, "outbound_anomaly_score_threshold", outbound);
}

function preset(set: RuleSet, name: string, value: i32): void {
  set.presetSlots.push(set.txNames.intern(Text.of(name)));
  set.presetNumbers.push(value);
}

/** An option has the last word: what rules would set the same variables to is left out, and said. */
function keepPresets(set: RuleSet): void {
  for (let index = 0; index < set.rules.length; index++) {
    let link: Rule | null = set.rules[index];
    while (link !== null) {
      for (let change = link.setVars.length - 1; change >= 0; change--) {
        const slot = link.setVars[change].slot;
        if (slot < 0 || set.presetSlots.indexOf(slot) < 0) continue;
        set.problems.warn(
          link.place,
          "tx." + set.txNames.names[slot].toString() +
            " is set by an option of the agent, so this has no effect",
        );
        link.setVars.splice(change, 1);
      }
      link = link.next;
    }
  }
}

function refuseDuplicates(set: RuleSet): void {
  const seen = new Map<i32, i32>();
  for (let index = 0; index < set.rules.length; index++) {
    const rule = set.rules[index];
    if (rule.id == 0) continue;
    if (seen.has(rule.id)) {
      const first = set.rules[seen.get(rule.id)];
      set.problems.error(
        rule.place,
        "the id " + rule.id.toString() + " is taken by the rule at " +
          first.place.toString(),
      );
    } else seen.set(rule.id, index);
  }
}

/** Options have the last word over directives. */
function readOptions(config: Config, setup: Setup): void {
  const settings = setup.settings;
  const engine = config.oneOf("engine", ["on", "detection-only", "off"], "");
  if (engine == "on") settings.engine = ENGINE_ON;
  else if (engine == "detection-only") settings.engine = ENGINE_DETECTION;
  else if (engine == "off") settings.engine = ENGINE_OFF;
  settings.requestBodyLimit = config.integer(
    "request-body-limit",
    settings.requestBodyLimit,
    new Range(0, BODY_BYTES_MAX),
  );
  settings.requestBodyNoFilesLimit = config.integer(
    "request-body-no-files-limit",
    settings.requestBodyNoFilesLimit,
    new Range(0, BODY_BYTES_MAX),
  );
  const limitAction = config.oneOf("request-body-limit-action", [
    "reject",
    "process-partial",
  ], "");
  if (limitAction == "reject") settings.requestBodyLimitAction = LIMIT_REJECT;
  else if (limitAction == "process-partial") {
    settings.requestBodyLimitAction = LIMIT_PARTIAL;
  }
  settings.responseBodyLimit = config.integer(
    "response-body-limit",
    settings.responseBodyLimit,
    new Range(0, BODY_BYTES_MAX),
  );
  settings.readsRequestBody = config.flag(
    "inspect-request-body",
    settings.readsRequestBody,
  );
  settings.readsResponseBody = config.flag(
    "inspect-response-body",
    settings.readsResponseBody,
  );
  const types = config.texts("content-types");
  for (let index = 0; index < types.length; index++) settings.requestTypes.push(types[index].toLowerCase());
  settings.argumentsMax = config.integer(
    "arguments-limit",
    settings.argumentsMax,
    new Range(1, 100000),
  );
  setup.takesJsonAndXml = config.flag("auto-body-processor", true);
  setArgumentsMax(settings.argumentsMax);
  setCollectionTimeout(settings.collectionTimeoutS);
  const names = config.has("redact") ? config.texts("redact") : defaultRedacted();
  const redacted = new Array<Bytes>();
  for (let index = 0; index < names.length; index++) {
    redacted.push(names[index]);
  }
  setRedacted(redacted);
}

function defaultRedacted(): Text[] {
  const names = new Array<Text>();
  for (let index = 0; index < REDACTED.length; index++) {
    names.push(Text.of(REDACTED[index]));
  }
  return names;
}

function usesCollections(program: Program): bool {
  for (let index = 0; index < program.rules.length; index++) {
    let link: Rule | null = program.rules[index];
    while (link !== null) {
      if (link.initCollections.length > 0) return true;
      link = link.next;
    }
  }
  return false;
}

function usesDuration(program: Program): bool {
  for (let index = 0; index < program.rules.length; index++) {
    let link: Rule | null = program.rules[index];
    while (link !== null) {
      for (let target = 0; target < link.targets.length; target++) {
        if (link.targets[target].variable == VAR_DURATION) return true;
      }
      const changes: SetVar[] = link.setVars;
      for (let change = 0; change < changes.length; change++) {
        const parts = changes[change].value.parts;
        for (let part = 0; part < parts.length; part++) {
          if (parts[part].variable == VAR_DURATION) return true;
        }
      }
      link = link.next;
    }
  }
  return false;
}
