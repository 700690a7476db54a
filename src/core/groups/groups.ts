import { blake2b } from "../../crypto/hash.js";
import { UdpchatError } from "../../errors.js";
import { DatagramType } from "../../wire/constants.js";
import { toHex } from "../../wire/cursor.js";
import { decodeGroupData, decodeGroupHeartbeat, decodeGroupNack } from "../../wire/group.js";
import { datagramType } from "../../wire/header.js";
import type { Instance } from "../../wire/presence.js";
import { BoundedMap } from "../boundedMap.js";
import type { CoreContext } from "../context.js";
import type { GroupKeys, PeerRef, ReceivedDatagram, SendTarget, Timed, Token } from "../io.js";
import { type Alarm, TimerQueue } from "../timers.js";
import { Group } from "./group.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext, GroupsSurroundings } from "./groupsContext.js";
import { HeldBytes } from "./heldBytes.js";
import type { GroupMember } from "./members.js";
import { Pacer } from "./pacer.js";
import { type GroupLine, Sender, type SenderPosition } from "./sender.js";

export type { GroupMember } from "./members.js";

/** Groups once left whose numbering is remembered, as a multiple of `limits.groups`. */
const FORMER_GROUPS_FACTOR = 16;
const DIGEST_BYTES = 8;
/** The shortest BLAKE2b that the library makes. */
const MIN_HASH_BYTES = 16;

/**
 * All memberships of this node: reliable multicast by negative acknowledgement (RFC 5401),
 * signed, first in first out per sender. PROTOCOL.md section 6.
 */
export class Groups implements Timed {
  readonly #context: GroupsContext;
  readonly #timers = new TimerQueue<Alarm>();
  /** By group id, those that linger after `leave` included; at most `limits.groups`. */
  readonly #groups = new Map<string, Group>();
  /** Of groups left for good: a sequence number is never used twice. */
  readonly #formerPositions: BoundedMap<string, SenderPosition>;
  #digest: string | undefined;

  constructor(context: CoreContext, surroundings: GroupsSurroundings) {
    const { groupBitsPerSecond, groupBurstBytes, groups, reassemblyBytes } = context.limits;
    this.#formerPositions = new BoundedMap(FORMER_GROUPS_FACTOR * groups);
    this.#context = {
      ...context,
      ...surroundings,
      timers: this.#timers,
      pacer: new Pacer(this.#timers, {
        bitsPerSecond: groupBitsPerSecond,
        burstBytes: groupBurstBytes,
      }),
      held: new HeldBytes(reassemblyBytes),
      digestChanged: () => {
        this.#digest = undefined;
      },
    };
  }

  /**
   * Becomes a member; joining twice is one membership. Joining while a `leave` still lingers
   * overtakes it: that leave ends without `groupLeft`. Throws LIMIT_REACHED.
   */
  join(nowMs: number, name: GroupName, _keys?: GroupKeys): void {
    const { groupId } = name;
    const present = this.#groups.get(groupId);
    if (present !== undefined && !present.leaving) return;
    if (present === undefined && this.#groups.size >= this.#context.limits.groups) {
      const limit = this.#context.limits.groups;
      throw new UdpchatError("LIMIT_REACHED", `already a member of ${limit} groups`, {
        remedy: "leave one first",
      });
    }
    present?.close();
    const position = this.#formerPositions.get(groupId) ?? { lead: 0, heartbeatSequence: 0 };
    // What was not sent yet, and what may be asked for still, goes on.
    const sender = present?.sender ?? new Sender(this.#context, name, position);
    const left = (group: Group) => this.#forget(group);
    this.#groups.set(groupId, new Group(nowMs, this.#context, { name, sender, left }));
    this.#digest = undefined;
  }

  /** Says goodbye and serves repairs for a moment; ends in `groupLeft`. Unknown: nothing. */
  leave(nowMs: number, groupId: string): void {
    this.#groups.get(groupId)?.leave(nowMs);
    this.#digest = undefined;
  }

  invite(_nowMs: number, _groupId: string, _target: SendTarget, _token: Token): void {}

  removeMember(_nowMs: number, _groupId: string, _device: string): void {}

  receiveKey(_nowMs: number, _from: PeerRef, _body: Uint8Array): void {}

  blocked(_nowMs: number, _device: string): void {}

  leaveAll(nowMs: number): void {
    for (const groupId of this.#groups.keys()) this.leave(nowMs, groupId);
  }

  #forget(group: Group): void {
    const { groupId } = group.name;
    this.#groups.delete(groupId);
    this.#formerPositions.set(groupId, group.sender.position);
    this.#context.outputs.event({ kind: "groupLeft", groupId });
  }

  /**
   * One message. It goes out with the next `flush`, together with what is said in the same turn.
   * Throws NOT_A_MEMBER, MESSAGE_TOO_LARGE, and LIMIT_REACHED while too much waits.
   */
  say(groupId: string, message: GroupLine): void {
    const group = this.#groups.get(groupId);
    if (group === undefined || group.leaving) {
      throw new UdpchatError("NOT_A_MEMBER", "not a member of this group", {
        remedy: "join it first",
      });
    }
    group.say(message);
  }

  /** A group datagram. Throws MALFORMED_DATAGRAM alone. */
  receive(nowMs: number, datagram: ReceivedDatagram): void {
    switch (datagramType(datagram.bytes)) {
      case DatagramType.groupData: {
        const data = decodeGroupData(datagram.bytes);
        this.#groupFor(data)?.receiveData(nowMs, data, datagram);
        return;
      }
      case DatagramType.groupHeartbeat: {
        const heartbeat = decodeGroupHeartbeat(datagram.bytes);
        this.#groupFor(heartbeat)?.receiveHeartbeat(nowMs, heartbeat, datagram);
        return;
      }
      case DatagramType.groupNack: {
        const nack = decodeGroupNack(datagram.bytes);
        this.#groupFor(nack)?.receiveNack(nowMs, nack, datagram);
        return;
      }
      default:
        this.#context.counters.add("datagramsUnknown");
    }
  }

  /** The group of a datagram that is not our own, if we are in it. */
  #groupFor(message: Instance & { readonly groupId: string }): Group | undefined {
    const { identity, incarnation, counters } = this.#context;
    if (message.incarnation === incarnation && message.device === identity.device) {
      counters.add("datagramsOwn");
      return undefined;
    }
    // Groups of others on this host and network are heard as well: no reason to count them.
    return this.#groups.get(message.groupId);
  }

  /** Packs the lines of this turn into datagrams and sends what the token bucket allows. */
  flush(nowMs: number): void {
    this.#context.pacer.run(nowMs);
  }

  /** The members that are known, ourselves not included; none if we are not a member. */
  members(groupId: string): GroupMember[] {
    return this.#groups.get(groupId)?.members.list() ?? [];
  }

  /**
   * First 8 bytes, in hexadecimal, of a hash over what we sent and what we have of every member
   * that is online: two nodes with the same digest have nothing to tell each other.
   */
  digest(): string {
    this.#digest ??= this.#computeDigest();
    return this.#digest;
  }

  #computeDigest(): string {
    const { identity, incarnation } = this.#context;
    const lines: string[] = [];
    for (const { leaving, members, name, sender } of this.#groups.values()) {
      if (leaving) continue;
      lines.push(`${name.groupId} ${identity.device} ${incarnation} ${sender.lead}\n`);
      for (const member of members.present()) {
        const { deliveredUpTo } = member.receiver;
        lines.push(`${name.groupId} ${member.device} ${member.incarnation} ${deliveredUpTo}\n`);
      }
    }
    const hash = blake2b(lines.toSorted().join(""), MIN_HASH_BYTES);
    return toHex(hash.subarray(0, DIGEST_BYTES));
  }

  /** An interface appeared, vanished or changed: every group hears from us soon. */
  interfacesChanged(nowMs: number): void {
    for (const group of this.#groups.values()) group.interfacesChanged(nowMs);
  }

  /** We could not listen for `lagMs`: nobody is to be blamed for silence in that time. */
  compensate(nowMs: number, lagMs: number): void {
    for (const { members } of this.#groups.values()) members.compensate(nowMs, lagMs);
  }

  nextWakeMs(): number {
    return this.#timers.nextMs();
  }

  wake(nowMs: number): void {
    for (;;) {
      const alarm = this.#timers.popDue(nowMs);
      if (alarm === undefined) return;
      alarm(nowMs);
    }
  }
}
