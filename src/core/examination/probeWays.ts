import { keyedBlake2b } from "../../crypto/hash.js";
import {
  DEFAULT_GROUP_ADDRESS,
  DISCOVERY_GROUP_ADDRESS,
  EXAMINATION_GROUP_ADDRESS,
  MAX_DATAGRAM_BYTES,
  MAX_PROBE_BYTES,
} from "../../wire/constants.js";
import { fromHex, toHex } from "../../wire/cursor.js";
import {
  encodeProbe,
  MIN_PROBE_BYTES,
  PROBE_TOKEN_BYTES,
  ProbeWay,
  type ProbeWayCode,
  type ProbeWayName,
} from "../../wire/examination.js";
import type { Address, Destination, ReceivedDatagram } from "../io.js";

/** How the probes of a way are sent. */
interface ProbeWayRow {
  readonly name: ProbeWayName;
  readonly code: ProbeWayCode;
  readonly sizeBytes: number;
  /** To the peer alone; else a broadcast, or this group. */
  readonly to: "peer" | "broadcast" | { readonly group: string };
}

const small = MIN_PROBE_BYTES;

/** Every way of version 1. */
export const PROBE_WAYS: readonly ProbeWayRow[] = [
  { name: "unicast", code: ProbeWay.unicast, sizeBytes: small, to: "peer" },
  { name: "fullUnicast", code: ProbeWay.fullUnicast, sizeBytes: MAX_DATAGRAM_BYTES, to: "peer" },
  { name: "fragments", code: ProbeWay.fragments, sizeBytes: MAX_PROBE_BYTES, to: "peer" },
  { name: "broadcast", code: ProbeWay.broadcast, sizeBytes: small, to: "broadcast" },
  way("discoveryGroup", DISCOVERY_GROUP_ADDRESS),
  way("defaultGroup", DEFAULT_GROUP_ADDRESS),
  way("namedGroup", EXAMINATION_GROUP_ADDRESS),
];

function way(name: "discoveryGroup" | "defaultGroup" | "namedGroup", group: string): ProbeWayRow {
  return { name, code: ProbeWay[name], sizeBytes: small, to: { group } };
}

/** Groups that both sides join while an examination runs; everybody is in the one of discovery. */
export const EXAMINED_GROUPS: readonly string[] = [
  DEFAULT_GROUP_ADDRESS,
  EXAMINATION_GROUP_ADDRESS,
];

/**
 * What a probe of round `round` is known by, 16 hexadecimal digits: who does not know `key` can
 * neither forge it nor learn from it anything but that somebody examines something.
 */
export function probeToken(
  key: string,
  { sender, code, round }: { sender: string; code: ProbeWayCode; round: number },
): string {
  const input = `udpchat probe ${code} ${round} ${sender}`;
  return toHex(keyedBlake2b(fromHex(key), input, 16).subarray(0, PROBE_TOKEN_BYTES));
}

/** The datagram of a way, and where it goes. */
export function probeOf(
  { to, sizeBytes }: ProbeWayRow,
  token: string,
  where: { readonly peer: Address; readonly discoveryPort: number },
): { readonly bytes: Uint8Array; readonly destination: Destination } {
  return { bytes: encodeProbe({ token, sizeBytes }), destination: destinationOf(to, where) };
}

function destinationOf(
  to: ProbeWayRow["to"],
  { peer, discoveryPort }: { readonly peer: Address; readonly discoveryPort: number },
): Destination {
  if (to === "peer") return { kind: "unicast", to: peer };
  if (to === "broadcast") return { kind: "broadcast" };
  return { kind: "multicast", to: { address: to.group, port: discoveryPort } };
}

/** A probe to everybody that somebody passes on to us alone did not come that way. */
export function cameThatWay(
  { to, sizeBytes }: ProbeWayRow,
  { via, bytes }: ReceivedDatagram,
): boolean {
  return (via === "data") === (to === "peer") && bytes.length === sizeBytes;
}
