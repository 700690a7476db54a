import type { LanInterface } from "../../net/lan.js";
import { sanitiseName, shellWord } from "../../sanitise.js";
import {
  DEFAULT_GROUP_ADDRESS,
  DISCOVERY_GROUP_ADDRESS,
  EXAMINATION_GROUP_ADDRESS,
} from "../../wire/constants.js";
import { type Finding, finding } from "../finding.js";
import type { SharedWay } from "../probes/selfHearing.js";
import type { FirewallFacts } from "../system/firewall.js";
import { certainDrop, type ImaginedPacket, type NftDrop } from "../system/nftVerdict.js";

/** The ports that must be open. */
export interface Ports {
  readonly data: number;
  readonly discovery: number;
}

/** What a firewall does to one kind of datagram, and the command that ends it. */
export interface Explanation {
  /** `the packet filter drops it (table inet filter, chain input)`. */
  readonly cause: string;
  readonly command: string;
}

/** What our own rules are about; the way of unicast is to the data port. */
export type FilteredWay = SharedWay | "unicast";

const GROUP_OF: Readonly<Partial<Record<FilteredWay, string>>> = {
  discoveryGroup: DISCOVERY_GROUP_ADDRESS,
  defaultGroup: DEFAULT_GROUP_ADDRESS,
  namedGroup: EXAMINATION_GROUP_ADDRESS,
};

/**
 * What of this host's firewall certainly drops datagrams of a way; undefined: nothing, or who knows.
 * @param peer IPv4 literal of whom they come from or go to. Default: anybody
 */
export function explainByFirewall(
  facts: FirewallFacts,
  ports: Ports,
  way: FilteredWay,
  entry: LanInterface,
  peer?: string,
): Explanation | undefined {
  const { ruleset } = facts;
  if (ruleset === undefined) return undefined;
  for (const direction of ["in", "out"] as const) {
    const drop = certainDrop(ruleset, packetOf(way, entry, ports, direction, peer));
    if (drop === undefined) continue;
    return { cause: causeOf(drop), command: openingCommand(facts, ports, drop) };
  }
  return undefined;
}

function packetOf(
  way: FilteredWay,
  entry: LanInterface,
  ports: Ports,
  direction: "in" | "out",
  peer: string | undefined,
): ImaginedPacket {
  const group = GROUP_OF[way];
  const isIn = direction === "in";
  const source = isIn ? peer : entry.address;
  const unicast = isIn ? entry.address : peer;
  const destination = way === "unicast" ? unicast : (group ?? entry.broadcast);
  return {
    direction,
    interface: entry.name,
    source,
    destination,
    destinationPort: way === "unicast" ? ports.data : ports.discovery,
    kind: way === "unicast" ? "host" : group === undefined ? "broadcast" : "multicast",
  };
}

function causeOf({ family, table, chain, ruleHandle }: NftDrop): string {
  const by = ruleHandle === undefined ? "by its policy" : `by the rule with handle ${ruleHandle}`;
  const where = sanitiseName(`table ${family} ${table}, chain ${chain}`);
  return `the packet filter of this machine drops it ${by} (${where})`;
}

/** Opens both ports. `drop`: what stands in the way, where no manager would put its rules back. */
export function openingCommand(facts: FirewallFacts, ports: Ports, drop?: NftDrop): string {
  const { data, discovery } = ports;
  switch (facts.manager) {
    case "ufw":
      return `sudo ufw allow proto udp to any port ${data},${discovery}`;
    case "firewalld": {
      // Without a zone it is the default zone that is opened.
      const zones = facts.zones.map((zone) => ` --zone=${shellWord(zone)}`);
      const opened = (zones.length === 0 ? [""] : zones).map(
        (zone) =>
          `sudo firewall-cmd --permanent${zone} --add-port=${data}/udp --add-port=${discovery}/udp`,
      );
      return [...opened, "sudo firewall-cmd --reload"].join(" && ");
    }
    case "macos":
      return (
        'sudo /usr/libexec/ApplicationFirewall/socketfilterfw --add "$(which node)" ' +
        '--unblockapp "$(which node)" --setblockall off'
      );
    case "windows":
      return (
        "New-NetFirewallRule -DisplayName udpchat -Direction Inbound -Protocol UDP " +
        `-LocalPort ${data},${discovery} -Action Allow`
      );
    case undefined: {
      const { family, table, chain } = drop ?? { family: "inet", table: "filter", chain: "input" };
      const where = [family, table, chain].map(shellWord).join(" ");
      return `sudo nft insert rule ${where} udp dport '{ ${data}, ${discovery} }' accept`;
    }
  }
}

const SHARED: readonly [FilteredWay, string][] = [
  ["broadcast", "broadcast"],
  ["discoveryGroup", "multicast"],
];

/** What is known of the firewall, whatever was sent. `interfaces`: those in use. */
export function judgeFirewall(
  facts: FirewallFacts,
  ports: Ports,
  interfaces: readonly LanInterface[],
): Finding[] {
  const closed = closedPorts(facts, ports);
  if (closed.length > 0) {
    const { manager = "packet filter" } = facts;
    const names: Readonly<Record<string, string>> = { macos: "macOS", windows: "Windows" };
    return [
      finding("FIREWALL_BLOCKS", "problem", {
        seen: `the firewall (${names[manager] ?? manager}) is on and lets nothing in to UDP port ${closed.join(" and ")}`,
        ...WHO_IS_KEPT_OUT,
        remedy:
          manager === "windows" ? "run this as administrator, in PowerShell" : "open the ports",
        command: openingCommand(facts, ports),
      }),
    ];
  }
  return interfaces.flatMap((entry) => {
    const found = explainByFirewall(facts, ports, "unicast", entry);
    if (found === undefined) return [];
    const isSame = (way: FilteredWay): boolean =>
      explainByFirewall(facts, ports, way, entry)?.command === found.command;
    const whats = ["messages", ...SHARED.filter(([way]) => isSame(way)).map(([, what]) => what)];
    return [
      finding("FIREWALL_BLOCKS", "problem", {
        seen: `${whats.join(", ")}: nothing of it passes on ${sanitiseName(entry.name)}, ${found.cause}`,
        ...WHO_IS_KEPT_OUT,
        remedy: "let it pass",
        command: found.command,
        interface: entry.name,
      }),
    ];
  });
}

const WHO_IS_KEPT_OUT = {
  meaning: "others can't find you or write to you, even where you can write to them",
};

function closedPorts({ letsIn }: FirewallFacts, { data, discovery }: Ports): number[] {
  if (letsIn === undefined || letsIn === "everything") return [];
  return [data, discovery].filter((port) => letsIn === "nothing" || !letsIn.includes(port));
}

/** Told where something is wrong: there may be rules that we could not read. */
export function judgeHiddenFirewall({ hidden }: FirewallFacts): Finding[] {
  if (hidden === undefined) return [];
  return [
    finding("FIREWALL_UNREADABLE", "note", {
      seen: "the rules of this machine's firewall can only be read by its administrator",
      meaning: "if it has any, they may be the cause",
      remedy: "look at them, or run udpchat doctor as administrator",
      command: hidden,
    }),
  ];
}
