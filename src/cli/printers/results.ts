/** How single commands end, for people. */
import type { DeliveryLine, IdLine, ProgressLine, StatusLine, TrustLine } from "../../api/lines.js";
import { shortId } from "../../messenger/queuedNames.js";
import { sanitiseName } from "../../sanitise.js";
import { endpoint, type Names, partyText } from "./names.js";
import { millisecondsText } from "./units.js";

/** `delivered to bob (10.77.0.2:22400) in 1.2 ms`, `queued for bob, message 0000001c`. */
export function deliveryText(line: DeliveryLine | ProgressLine, names: Names): string {
  const { to } = line;
  if (line.status === "queued") {
    return `queued for ${partyText(to, names)}, message ${sanitiseName(shortId(line.id))}`;
  }
  const took = line.rttMs === null ? "" : ` in ${millisecondsText(line.rttMs)}`;
  const repeated =
    line.attempts !== null && line.attempts > 1 ? ` (${line.attempts} attempts)` : "";
  return `${line.status} to ${names.of(to)} (${endpoint(to)})${took}${repeated}`;
}

export function idText(line: IdLine): string {
  return `${sanitiseName(line.id)} ${sanitiseName(line.name)}`;
}

const DECISION: Readonly<Record<TrustLine["trust"], string>> = {
  verified: "is verified",
  blocked: "is blocked",
  known: "is known, and neither verified nor blocked",
  unknown: "is unknown",
  conflict: "has a name that stands for somebody else",
};

/** `alice~ab12 is verified`. */
export function trustText({ peer, trust }: TrustLine, names: Names): string {
  // A decision is about a key, whatever it is called.
  const id = sanitiseName((peer.id ?? "").slice(0, 8));
  return `${names.of(peer)} (${id}) ${DECISION[trust]}`;
}

/** Said only if there are some: they are why somebody is not seen. */
function newerVersions({ newerVersions: them }: StatusLine): [string, string][] {
  if (them.length === 0) return [];
  const where = them.map(({ address, version }) => `${sanitiseName(address)} (version ${version})`);
  return [["newer udpchat", `${where.join(", ")}: update this one to see who is there`]];
}

/** One fact a line. */
export function statusText(line: StatusLine): string {
  const interfaces = line.interfaces.map(({ name, address }) => sanitiseName(`${name} ${address}`));
  const port = line.portTaken ? `${line.port} (the wanted one was taken)` : String(line.port);
  const facts: readonly [string, string][] = [
    ["running", `pid ${line.pid}`],
    ["name", sanitiseName(line.name)],
    ["id", sanitiseName(line.id)],
    ["port", port],
    ["discovery port", String(line.discoveryPort)],
    ["interfaces", interfaces.length === 0 ? "none" : interfaces.join(", ")],
    ["peers online", String(line.peers)],
    ...newerVersions(line),
    ["groups", line.groups.length === 0 ? "none" : line.groups.map(sanitiseName).join(", ")],
    ["since", line.startedAt],
  ];
  return facts.map(([fact, value]) => `${fact}: ${value}`).join("\n");
}
