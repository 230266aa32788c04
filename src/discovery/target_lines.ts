import { checkEndpoint } from "../core/address.ts";
import type { DiscoveredTarget } from "./discovery.ts";
import { WEIGHT_MAX } from "./target_list.ts";

/**
 * Reads lines `host:port` with options `weight=2 priority=1 zone=eu-1` behind; `#` begins a comment. Throws, with
 * the line's number, for anything else: a list that is half understood is worse than the one before.
 */
export function parseTargetLines(text: string): DiscoveredTarget[] {
  return text.split("\n").flatMap((line, index) => {
    const words = line.replace(/#.*/, "").trim().split(/\s+/).filter((word) => word !== "");
    const [address, ...options] = words;
    if (address === undefined) return [];
    const problem = checkEndpoint(address);
    if (problem !== undefined) throw new Error(`line ${index + 1}: the address ${problem}`);
    const target: DiscoveredTarget = { address, weight: 1 };
    return [options.reduce((known, option) => withOption(known, option, index + 1), target)];
  });
}

function withOption(target: DiscoveredTarget, option: string, line: number): DiscoveredTarget {
  const [name = "", value = ""] = option.split("=", 2);
  if (name === "zone" && value !== "") return { ...target, zone: value };
  const max = name === "weight" ? WEIGHT_MAX : name === "priority" ? 65_535 : undefined;
  if (max === undefined) throw new Error(`line ${line}: unknown option "${option}"`);
  if (!/^\d{1,7}$/.test(value) || Number(value) > max) {
    throw new Error(`line ${line}: ${name} expects an integer from 0 to ${max}, found "${value}"`);
  }
  return { ...target, [name]: Number(value) };
}
