import type { PeerRefLine } from "../api/lines.js";

/** `problem`: something does not work; `note`: worth knowing; `ok`: was examined, and works. */
export type Severity = "problem" | "note" | "ok";

/** Stable names: scripts match on them, never on sentences. README has the table. */
export const FINDING_CODES = [
  "BROADCAST_BLOCKED",
  "BROADCAST_ONE_WAY",
  "CLOCK_OFF",
  "DAEMON_NOT_RUNNING",
  "DATA_PORT_TAKEN",
  "DEFAULT_GROUP_BLOCKED",
  "DISCOVERY_PORT_TAKEN",
  "FIREWALL_BLOCKS",
  "FIREWALL_UNREADABLE",
  "FRAGMENTS_LOST",
  "FULL_DATAGRAMS_LOST",
  "INTERFACE_OK",
  "LAN_ROUTED_ELSEWHERE",
  "LOCAL_NETWORK_PRIVACY",
  "MULTICAST_BLOCKED",
  "MULTICAST_ONE_WAY",
  "MULTICAST_RETURNED",
  "MULTICAST_STOPPED",
  "NEWER_VERSION",
  "NOBODY_FOUND",
  "NO_INTERFACE",
  "PEER_DEAF",
  "PEER_NOT_EXAMINED",
  "PEER_OK",
  "PEER_ONLY_HEARD",
  "PEER_SILENT",
  "RECEIVE_BUFFER_SMALL",
  "SEND_REFUSED",
  "UNICAST_ONE_WAY",
  "VIRTUAL_INTERFACE",
  "VPN_DEFAULT_ROUTE",
] as const;
export type FindingCode = (typeof FINDING_CODES)[number];

/** One thing that was found. Its sentences are sanitised: names of peers are in them. */
export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** What was seen, a sentence without a full stop. */
  readonly seen: string;
  /** What that means for whoever wants to chat. */
  readonly meaning: string;
  /** What to do; null: nothing. */
  readonly remedy: string | null;
  /** The command that does it, to be copied as it is; null where there is none. */
  readonly command: string | null;
  /** The interface that it is about. */
  readonly interface: string | null;
  readonly peer: PeerRefLine | null;
}

type FindingDetails = Pick<Finding, "seen" | "meaning"> & Partial<Finding>;

/** A finding with null where nothing is said. */
export function finding(code: FindingCode, severity: Severity, details: FindingDetails): Finding {
  const { seen, meaning, remedy = null, command = null, peer = null } = details;
  const about = { interface: details.interface ?? null, peer };
  return { code, severity, seen, meaning, remedy, command, ...about };
}

const RANK: Readonly<Record<Severity, number>> = { problem: 0, note: 1, ok: 2 };

/** The most important first; otherwise as they were found. */
export function byImportance(findings: readonly Finding[]): Finding[] {
  return findings.toSorted((a, b) => RANK[a.severity] - RANK[b.severity]);
}
