import { sanitiseName } from "../../sanitise.js";
import { type Finding, type FindingCode, finding } from "../finding.js";
import type { HeardBack, InterfaceHearing, SharedWay } from "../probes/selfHearing.js";
import { interfaceKind } from "../system/interfaceKinds.js";
import type { Explanation } from "./firewall.js";

/** What explains that a way is closed, if something does. */
export type Explain = (way: SharedWay) => Explanation | undefined;

/** What is known of an interface beside what we heard of ourselves through it. */
export interface HearingContext {
  readonly platform: NodeJS.Platform;
  readonly explain: Explain;
}

/** macOS answers so where a program may not use the local network (Apple TN3179). */
const PRIVACY_ERRNO = "EHOSTUNREACH";

/** Whether our own broadcast and multicast go out of an interface and come back in. */
export function judgeHearing(hearing: InterfaceHearing, context: HearingContext): Finding[] {
  const { name, address } = hearing.interface;
  const shown = sanitiseName(name);
  const isTunnel = interfaceKind(name) === "vpn";
  const refused = hearing.ways.filter(({ errno }) => errno !== undefined);
  if (context.platform === "darwin" && refused.some(({ errno }) => errno === PRIVACY_ERRNO)) {
    return [privacy(name)];
  }
  const silent = hearing.ways.filter(({ heard }) => !heard);
  if (silent.length === 0) return [passes(name, address)];
  // A tunnel has no LAN behind it: that nothing comes back there is as it should be.
  if (isTunnel) return [];
  const findings: Finding[] = [];
  const broadcast = silent.find(({ way }) => way === "broadcast");
  if (broadcast !== undefined) {
    findings.push(
      closed("BROADCAST_BLOCKED", name, [broadcast], context, {
        seen: `our own broadcast ${goneOrLost(broadcast)} on ${shown} (${address})`,
        meaning: "peers are found by multicast alone here, if at all",
      }),
    );
  }
  const groups = hearing.ways.filter(({ way }) => way !== "broadcast");
  const silentGroups = groups.filter(({ heard }) => !heard);
  const [onlySilent] = silentGroups;
  if (silentGroups.length === groups.length && onlySilent !== undefined) {
    findings.push(blockedMulticast(name, address, silentGroups, context));
  } else if (onlySilent !== undefined) {
    findings.push(blockedGroups(name, silentGroups, context));
  }
  return findings;
}

function passes(name: string, address: string): Finding {
  return finding("INTERFACE_OK", "ok", {
    seen: `${sanitiseName(name)} (${address}): broadcast and multicast go out and come back`,
    meaning: "this machine can be found on this network, and find others there",
    interface: name,
  });
}

function privacy(name: string): Finding {
  return finding("LOCAL_NETWORK_PRIVACY", "problem", {
    seen: `macOS does not let this program send to the local network on ${sanitiseName(name)}`,
    meaning: "nobody can be found until you allow it",
    remedy:
      "switch on the program that you started udpchat from (the terminal, or node) in System " +
      "Settings, Privacy & Security, Local Network, and start it again",
    command: 'open "x-apple.systempreferences:com.apple.preference.security?Privacy_LocalNetwork"',
    interface: name,
  });
}

function blockedMulticast(
  name: string,
  address: string,
  silent: readonly HeardBack[],
  context: HearingContext,
): Finding {
  const [first] = silent;
  const lost = first === undefined ? "is not heard" : goneOrLost(first);
  const seen = `our own multicast ${lost} on ${sanitiseName(name)} (${address})`;
  const meaning = "groups go by unicast here, to members that are found by broadcast";
  return closed("MULTICAST_BLOCKED", name, silent, context, { seen, meaning });
}

const GROUP_NAMES: Readonly<Record<SharedWay, string>> = {
  broadcast: "broadcast",
  discoveryGroup: "239.255.22.40 (discovery)",
  defaultGroup: "224.0.1.100 (the default group)",
  namedGroup: "239.192.0.0/14 (groups with a name)",
};

function blockedGroups(
  name: string,
  silent: readonly HeardBack[],
  context: HearingContext,
): Finding {
  const isDefaultAlone = silent.every(({ way }) => way === "defaultGroup");
  const which = silent.map(({ way }) => GROUP_NAMES[way]).join(", ");
  return closed(
    isDefaultAlone ? "DEFAULT_GROUP_BLOCKED" : "MULTICAST_BLOCKED",
    name,
    silent,
    context,
    {
      seen: `multicast to ${which} is not heard on ${sanitiseName(name)}, other multicast is`,
      meaning: isDefaultAlone ? DEFAULT_GROUP_MEANING : "these groups go by unicast here",
      ...(isDefaultAlone ? DEFAULT_GROUP_REMEDY : {}),
    },
  );
}

/** Also for what a peer does not hear. */
export const DEFAULT_GROUP_MEANING =
  "224.0.1.100 lies in IANA's internetwork control block, which some networks drop: what is said " +
  "there goes by unicast, slower, to members that are found otherwise";
export const DEFAULT_GROUP_REMEDY = {
  remedy: "meet in a group with a name instead, all of you",
  command: "udpchat join '#lobby'",
};

function goneOrLost({ errno }: HeardBack): string {
  return errno === undefined ? "does not come back" : `is not sent (${errno})`;
}

function closed(
  code: FindingCode,
  name: string,
  ways: readonly HeardBack[],
  { explain, platform }: HearingContext,
  details: Pick<Finding, "seen" | "meaning"> & Partial<Finding>,
): Finding {
  const explained = ways.map(({ way }) => explain(way)).find((found) => found !== undefined);
  const errno = ways.find((way) => way.errno !== undefined)?.errno;
  const found = finding(errno === undefined ? code : refusedCode(code, errno), "problem", {
    remedy: REMEDY_UNKNOWN,
    command: platform === "linux" ? "sudo nft list ruleset" : null,
    ...details,
    interface: name,
  });
  if (explained === undefined) return found;
  const { cause, command } = explained;
  return { ...found, seen: `${found.seen}: ${cause}`, remedy: "let it pass", command };
}

const REMEDY_UNKNOWN = "look for a firewall or security program on this machine that drops it";

/** EPERM and EACCES are a firewall's; anything else is a network that cannot send at all. */
function refusedCode(code: FindingCode, errno: string): FindingCode {
  return errno === "EPERM" || errno === "EACCES" ? code : "SEND_REFUSED";
}
