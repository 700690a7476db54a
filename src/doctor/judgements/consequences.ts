import type { Finding, FindingCode } from "../finding.js";

/** What a problem of this host brings about, with every peer or alone. */
const CONSEQUENCES: Readonly<Partial<Record<FindingCode, readonly FindingCode[]>>> = {
  BROADCAST_BLOCKED: ["BROADCAST_BLOCKED", "BROADCAST_ONE_WAY"],
  MULTICAST_BLOCKED: ["MULTICAST_BLOCKED", "MULTICAST_ONE_WAY", "DEFAULT_GROUP_BLOCKED"],
  DEFAULT_GROUP_BLOCKED: ["DEFAULT_GROUP_BLOCKED"],
  FIREWALL_BLOCKS: ["NOBODY_FOUND"],
};

/**
 * Without what only follows from something else that was found: what does not pass out of this host
 * passes to no peer, and a firewall that drops everything drops broadcast too.
 */
export function withoutConsequences(findings: readonly Finding[]): Finding[] {
  const ofHost = findings.filter(({ peer }) => peer === null);
  const explained = new Set(ofHost.flatMap(({ code }) => CONSEQUENCES[code] ?? []));
  const firewalls = ofHost.filter(({ code }) => code === "FIREWALL_BLOCKS");
  return findings.filter((found) => {
    if (found.peer !== null || found.code === "NOBODY_FOUND") return !explained.has(found.code);
    return !firewalls.some((firewall) => firewall !== found && isSameRule(firewall, found));
  });
}

/** One command mends both, on one interface. */
function isSameRule(firewall: Finding, found: Finding): boolean {
  return found.command === firewall.command && found.interface === firewall.interface;
}
