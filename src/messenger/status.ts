import type { Core } from "../core/core.js";
import type { Lan } from "../net/lan.js";
import type { Group, MessengerStatus } from "./types.js";

/** What a status is made from. */
export interface StatusParts {
  readonly core: Core;
  /** On the core's clock. */
  readonly nowMs: number;
  readonly lan: Lan;
  readonly name: string;
  readonly groups: readonly Group[];
  readonly startedAt: Date;
  readonly plainDropped: number;
}

/** Facts about a running messenger, as they stand. */
export function messengerStatus(parts: StatusParts): MessengerStatus {
  const { core, nowMs, lan, name, groups, startedAt } = parts;
  return {
    id: core.id,
    name,
    port: lan.dataPort,
    portTaken: lan.dataPortTaken,
    discoveryPort: lan.discoveryPort,
    interfaces: lan.interfaces(),
    peers: core.peers().filter((peer) => peer.state === "online").length,
    newerVersions: core.laterVersions(nowMs),
    groups: groups.map(({ label }) => label),
    startedAt,
    receiveBufferBytes: lan.receiveBufferBytes,
    limits: core.limits,
    usage: core.usage(),
    counters: counters(parts),
  };
}

/** Of the core, and of the sockets with `socket` before their names. */
function counters({ core, lan, plainDropped }: StatusParts): Record<string, number> {
  const socket = lan.counters();
  const sendErrors = Object.entries(socket.sendErrors).map(
    ([errno, count]) => [`socketSendErrors${errno}`, count] as const,
  );
  return {
    ...core.counters(),
    plainDropped,
    socketDatagramsSent: socket.datagramsSent,
    socketBytesSent: socket.bytesSent,
    socketDatagramsReceived: socket.datagramsReceived,
    socketBytesReceived: socket.bytesReceived,
    ...Object.fromEntries(sendErrors),
  };
}
