/** What the messenger says, as the JSON lines that the outside is promised. */
import { toUdpchatError, type UdpchatError } from "../errors.js";
import type {
  Delivery,
  Examination,
  Group,
  HistoryMessage,
  IdentifiedPeer,
  Invitation,
  Message,
  MessengerEvent,
  MessengerStatus,
  Peer,
  PeerRef,
  Progress,
  Removal,
  Reply,
  Request,
  Undelivered,
  Verification,
} from "../messenger/types.js";
import type {
  DeliveryLine,
  ErrorLine,
  ExaminationLine,
  GapLine,
  GroupLine,
  HistoryLine,
  IdLine,
  InvitationLine,
  MessageLine,
  PeerLine,
  PeerRefLine,
  PresenceLine,
  ProgressLine,
  RemovedLine,
  ReplyLine,
  RequestLine,
  StatusLine,
  TrustLine,
  VerificationLine,
  WarningLine,
} from "./lines.js";

export function toPeerRef(peer: PeerRef): PeerRefLine {
  const { id, name, address, port, trust } = peer;
  return { id, name, address, port, trust };
}

export function toPeerLine(peer: Peer): PeerLine {
  return {
    type: "peer",
    id: peer.id,
    name: peer.name,
    address: peer.address,
    port: peer.port,
    trust: peer.trust,
    state: peer.state,
    rttMs: toMilliseconds(peer.rttMs),
    via: peer.via,
    addresses: peer.addresses.map(({ address, port }) => ({ address, port })),
  };
}

export function toDeliveryLine(delivery: Delivery | Undelivered): DeliveryLine {
  return { ...deliveryKeys(delivery), status: delivery.status };
}

function toProgressLine(progress: Progress): ProgressLine {
  return { ...deliveryKeys(progress), status: progress.status };
}

function deliveryKeys({ id, to, rttMs, attempts }: Delivery | Progress | Undelivered) {
  return {
    type: "delivery",
    id,
    to: toPeerRef(to),
    rttMs: toMilliseconds(rttMs),
    attempts,
  } as const;
}

export function toReplyLine(reply: Reply): ReplyLine {
  return {
    type: "reply",
    to: reply.to,
    from: toPeerRef(reply.from),
    text: reply.text,
    rttMs: toMilliseconds(reply.rttMs),
  };
}

export function toExaminationLine(examination: Examination): ExaminationLine {
  const { peer, result, rttMs, clockAheadMs, ways } = examination;
  return {
    type: "examination",
    peer: toPeerRef(peer),
    result,
    rttMs: toMilliseconds(rttMs),
    clockAheadMs: toMilliseconds(clockAheadMs),
    ways: ways.map((way) => ({ ...way })),
  };
}

export function toRequestLine(request: Request): RequestLine {
  return {
    type: "request",
    id: request.id,
    from: toPeerRef(request.from),
    text: request.text,
    sentAt: toTimestamp(request.sentAt),
  };
}

function toMessageLine(message: Message): MessageLine {
  return {
    type: "message",
    id: message.id,
    scope: message.scope,
    from: toPeerRef(message.from),
    group: message.group,
    text: message.text,
    sentAt: message.sentAt === null ? null : toTimestamp(message.sentAt),
    receivedAt: toTimestamp(message.receivedAt),
    verified: message.verified,
    late: message.late,
  };
}

export function toHistoryLine(message: HistoryMessage): HistoryLine {
  return {
    ...toMessageLine(message),
    id: message.id,
    scope: message.scope,
    sentAt: toTimestamp(message.sentAt),
    own: message.own,
    to: message.to === null ? null : toPeerRef(message.to),
    state: message.state,
    receipts: message.receipts.map(({ peer, status, at }) => ({
      peer: toPeerRef(peer),
      status,
      at: at === null ? null : toTimestamp(at),
    })),
    clientId: message.clientId,
    expiresAt: message.expiresAt === null ? null : toTimestamp(message.expiresAt),
  };
}

/** Undefined for changed interfaces: `status` tells them. */
export function toEventLine(
  event: MessengerEvent,
):
  | MessageLine
  | ProgressLine
  | PresenceLine
  | GapLine
  | WarningLine
  | InvitationLine
  | RemovedLine
  | undefined {
  switch (event.type) {
    case "message":
      return toMessageLine(event.message);
    case "delivery":
      return toProgressLine(event.progress);
    case "presence": {
      const { presence } = event;
      return {
        type: "presence",
        event: presence.event,
        group: presence.group,
        peer: toPeerRef(presence.peer),
        online: presence.online,
      };
    }
    case "gap": {
      const { gap } = event;
      return { type: "gap", group: gap.group, from: toPeerRef(gap.from), count: gap.count };
    }
    case "warning": {
      const { code, message, peer, group = null } = event.warning;
      const ref = peer === null ? null : toPeerRef(peer);
      return { type: "warning", code, message, peer: ref, group };
    }
    case "invitation":
      return toInvitationLine(event.invitation);
    case "removed":
      return toRemovedLine(event.removal);
    case "interfaces":
      return undefined;
  }
}

export function toInvitationLine({ group, from }: Invitation): InvitationLine {
  return { type: "invitation", group, from: toPeerRef(from) };
}

export function toRemovedLine({ group, peer, by }: Removal): RemovedLine {
  return { type: "removed", group, peer: toPeerRef(peer), by: toPeerRef(by) };
}

export function toIdLine({ id, name }: { readonly id: string; readonly name: string }): IdLine {
  return { type: "id", id, name, fingerprint: (id.match(/.{1,4}/g) ?? []).join(" ") };
}

export function toVerificationLine({ peer, code }: Verification): VerificationLine {
  return { type: "verification", peer: toPeerRef(peer), code };
}

export function toTrustLine(peer: IdentifiedPeer): TrustLine {
  return { type: "trust", peer: toPeerRef(peer), trust: peer.trust };
}

export function toGroupLine(group: Group, standing: boolean): GroupLine {
  return {
    type: "group",
    group: group.label,
    address: group.address,
    port: group.port,
    members: group.members().map(toPeerRef),
    standing,
    secret: group.secret,
    transport: group.transport,
  };
}

/** `pid` is the process that runs the messenger. */
export function toStatusLine(status: MessengerStatus, pid: number): StatusLine {
  return {
    type: "status",
    pid,
    id: status.id,
    name: status.name,
    port: status.port,
    portTaken: status.portTaken,
    discoveryPort: status.discoveryPort,
    interfaces: status.interfaces.map((entry) => ({
      name: entry.name,
      address: entry.address,
      netmask: entry.netmask,
      broadcast: entry.broadcast ?? null,
      loopback: entry.loopback,
    })),
    peers: status.peers,
    newerVersions: status.newerVersions.map(({ address, version }) => ({ address, version })),
    groups: [...status.groups],
    startedAt: toTimestamp(status.startedAt),
    receiveBufferBytes: status.receiveBufferBytes,
    limits: { ...status.limits },
    usage: { ...status.usage },
    counters: { ...status.counters },
  };
}

/** Anything that was thrown. */
export function toErrorLine(thrown: unknown): ErrorLine {
  const error: UdpchatError = toUdpchatError(thrown);
  return {
    type: "error",
    code: error.code,
    message: error.message,
    remedy: error.remedy,
  };
}

/** To the microsecond: digits beyond are noise. */
function toMilliseconds<T extends number | null>(durationMs: T): T | number {
  return durationMs === null ? durationMs : Math.round(durationMs * 1000) / 1000;
}

/**
 * ISO 8601 in UTC. Senders choose their own clock: a time that no date can hold becomes the
 * start of 1970 instead of an exception.
 */
function toTimestamp(date: Date): string {
  return Number.isNaN(date.getTime()) || Math.abs(date.getFullYear()) > 9999
    ? new Date(0).toISOString()
    : date.toISOString();
}
