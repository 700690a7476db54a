import { UdpchatError } from "../../errors.js";
import { DatagramType, MAX_BEACON_GROUPS } from "../../wire/constants.js";
import { fromHex } from "../../wire/cursor.js";
import {
  decodeGroupData,
  decodeGroupHeartbeat,
  decodeGroupNack,
  decodeSealedGroup,
  senderBytes,
} from "../../wire/group.js";
import { decodeGroupKeyNote, type GroupKeyNote, GroupKeyPurpose } from "../../wire/groupKeyNote.js";
import { decodeSyncGroup } from "../../wire/groupSync.js";
import { datagramType } from "../../wire/header.js";
import { readingAt } from "../../wire/hybridReading.js";
import type { BeaconGroup, Instance } from "../../wire/presence.js";
import { type GroupKeyRecord, type GroupSyncRecord, RecordKind } from "../../wire/record.js";
import { BoundedMap } from "../boundedMap.js";
import type { CoreContext } from "../context.js";
import type { GroupKeys, PeerRef, ReceivedDatagram, SendTarget, Timed, Token } from "../io.js";
import { type Alarm, TimerQueue } from "../timers.js";
import { Archive } from "./archive.js";
import { Group } from "./group.js";
import type { GroupLog } from "./groupLog.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext, GroupsSurroundings } from "./groupsContext.js";
import type { GroupDatagram } from "./hearing.js";
import { HeldBytes } from "./heldBytes.js";
import { HybridClock } from "./hybridClock.js";
import { keysOfInvitation } from "./invitation.js";
import type { KeyExchange } from "./keyExchange.js";
import type { GroupMember } from "./members.js";
import { Pacer } from "./pacer.js";
import { AT_THE_BEGINNING, type GroupLine, Sender, type SenderPosition } from "./sender.js";
import { SyncRates } from "./syncRates.js";
import type { GroupWays } from "./ways.js";

export type { GroupMember } from "./members.js";
export type { GroupWays } from "./ways.js";

/** Groups once left whose numbering is remembered, as a multiple of `limits.groups`. */
const FORMER_GROUPS_FACTOR = 16;

/**
 * All memberships of this node: reliable multicast by negative acknowledgement (RFC 5401),
 * signed, first in first out per sender. PROTOCOL.md section 6.
 */
export class Groups implements Timed {
  readonly #context: GroupsContext;
  readonly #timers = new TimerQueue<Alarm>();
  readonly #ownInstance: Uint8Array;
  /** By group id, those that linger after `leave` included; at most `limits.groups`. */
  readonly #groups = new Map<string, Group>();
  /** Of groups left for good: a sequence number is never used twice. */
  readonly #formerPositions: BoundedMap<string, SenderPosition>;
  /** What was said before `beforeMs`, milliseconds since 1970, was too old at `atMs`. */
  #retention: { readonly atMs: number; readonly beforeMs: number } | undefined;

  /** `startedMs`: now. */
  constructor(
    startedMs: number,
    context: CoreContext,
    log: GroupLog,
    surroundings: GroupsSurroundings,
  ) {
    const { groups, reassemblyBytes } = context.limits;
    this.#ownInstance = fromHex(context.identity.device + context.incarnation);
    this.#formerPositions = new BoundedMap(FORMER_GROUPS_FACTOR * groups);
    this.#context = {
      ...context,
      ...surroundings,
      timers: this.#timers,
      pacer: new Pacer(this.#timers, context.limits),
      held: new HeldBytes(reassemblyBytes),
      log,
      clock: new HybridClock(),
      syncRates: new SyncRates(context.limits),
      oldestHlc: (nowMs) => Math.max(0, readingAt(this.#oldestMs(nowMs))),
      wallMs: (nowMs) => context.startedAtMs + (nowMs - startedMs),
    };
  }

  /**
   * Becomes a member; joining twice is one membership. Joining while a `leave` still lingers
   * overtakes it: that leave ends without `groupLeft`. A secret group has `keys`, an open one has
   * none. Throws LIMIT_REACHED; INVALID_GROUP if keys are missing or too many.
   */
  join(nowMs: number, name: GroupName, keys?: GroupKeys): void {
    const { groupId } = name;
    if (name.secret !== (keys !== undefined)) {
      const what = name.secret ? "a secret group needs its keys" : "an open group has no keys";
      throw new UdpchatError("INVALID_GROUP", what);
    }
    const present = this.#groups.get(groupId);
    if (present !== undefined && !present.leaving && !present.expelled) return;
    if (present === undefined && this.#groups.size >= this.#context.limits.groups) {
      const limit = this.#context.limits.groups;
      throw new UdpchatError("LIMIT_REACHED", `already a member of ${limit} groups`, {
        remedy: "leave one first",
      });
    }
    present?.close(nowMs);
    // What was not sent yet, and what may be asked for still, goes on.
    const sender = present?.sender ?? this.#newSender(nowMs, name);
    const left = (group: Group) => this.#forget(group);
    const group = new Group(nowMs, this.#context, { name, sender, keys, left });
    this.#groups.set(groupId, group);
    for (const { instance, digest } of this.#context.announcedIn(groupId)) {
      group.announced(nowMs, instance, digest);
    }
  }

  #newSender(nowMs: number, name: GroupName): Sender {
    const position = this.#formerPositions.get(name.groupId) ?? AT_THE_BEGINNING;
    const archive = new Archive(this.#context, this.#context.log, name.groupId);
    // What we say now stands behind all that we, and those we heard, said before.
    const { clock, identity } = this.#context;
    for (const { device, latestHlc } of archive.streams()) {
      if (device === identity.device) clock.resume(latestHlc);
      else clock.heard(latestHlc);
    }
    if (this.#retention !== undefined) archive.forgetBefore(this.#oldestMs(nowMs));
    // What we said before we left is missing, and not as the log cannot be read now: forgotten.
    const ours = { device: identity.device, incarnation: this.#context.incarnation };
    const [gone] = archive.missing(ours, 1, position.lead, 1);
    const isForgotten = gone && this.#context.log.read(name.groupId, ours, gone)?.length === 0;
    if (isForgotten === true) archive.refuseUpTo(ours, gone.last);
    return new Sender(this.#context, name, position, archive);
  }

  /**
   * What was said before `beforeMs`, milliseconds since 1970, is forgotten, and not taken in any
   * more; that bound goes on with time, until the next call.
   */
  forgetBefore(nowMs: number, beforeMs: number): void {
    this.#retention = { atMs: nowMs, beforeMs };
    for (const { archive } of this.#groups.values()) archive.forgetBefore(beforeMs);
  }

  #oldestMs(nowMs: number): number {
    if (this.#retention === undefined) return 0;
    const { atMs, beforeMs } = this.#retention;
    return beforeMs + (nowMs - atMs);
  }

  /** Says goodbye and serves repairs for a moment; ends in `groupLeft`. Unknown: nothing. */
  leave(nowMs: number, groupId: string): void {
    this.#groups.get(groupId)?.leave(nowMs);
  }

  /**
   * Sends the key of a secret group to somebody; ends as a message of `token` does. Throws
   * NOT_A_MEMBER, INVALID_GROUP for an open group.
   */
  invite(nowMs: number, groupId: string, target: SendTarget, token: Token): void {
    const device = target.kind === "device" ? target.id : undefined;
    const body = this.#keysOf(groupId).invitationTo(device);
    this.#context.sendNote(nowMs, { kind: "groupKey", target, body, token });
  }

  /**
   * Changes the key of a secret group, and gives it to every member but `device`. Throws
   * NOT_A_MEMBER, INVALID_GROUP for an open group, INVALID_TARGET for ourselves.
   */
  removeMember(nowMs: number, groupId: string, device: string): void {
    const keys = this.#keysOf(groupId);
    if (device === this.#context.identity.device) {
      throw new UdpchatError("INVALID_TARGET", "that is you", {
        remedy: "leave the group instead",
      });
    }
    keys.remove(nowMs, [device]);
  }

  #keysOf(groupId: string): KeyExchange {
    const { keys, name } = this.#present(groupId);
    if (keys !== undefined) return keys;
    throw new UdpchatError("INVALID_GROUP", `${name.label} is an open group: it has no key`, {
      remedy: "use a group that was joined as a secret one",
    });
  }

  /** A note came in a session with `from`. Never throws: what is wrong is counted. */
  receiveNote(nowMs: number, from: PeerRef, record: GroupKeyRecord | GroupSyncRecord): void {
    try {
      if (record.kind === RecordKind.groupKey) this.#receiveKey(nowMs, from, record.body);
      else {
        const { groupId, rest } = decodeSyncGroup(record.body);
        this.#groups.get(groupId)?.receiveSync(nowMs, from, rest);
      }
    } catch (error) {
      if (!(error instanceof UdpchatError) || error.code !== "MALFORMED_DATAGRAM") throw error;
      this.#context.counters.add("datagramsMalformed");
    }
  }

  #receiveKey(nowMs: number, from: PeerRef, body: Uint8Array): void {
    const note = decodeGroupKeyNote(body);
    const group = this.#groups.get(note.groupId);
    const isMember = group !== undefined && !group.leaving && !group.expelled;
    if (note.purpose === GroupKeyPurpose.invitation) {
      if (!isMember) this.#invited(from, note);
    } else if (isMember && group.keys !== undefined) group.keys.receive(nowMs, from, note);
    else this.#context.counters.add("groupKeysRefused");
  }

  #invited(from: PeerRef, note: GroupKeyNote): void {
    const keys = keysOfInvitation(this.#context, note);
    if (keys === undefined) this.#context.counters.add("groupKeysRefused");
    else {
      this.#context.outputs.event({ kind: "groupInvitation", label: note.label, from, keys });
    }
  }

  /** A beacon of somebody who is running says which groups it is in, and what it holds of them. */
  groupsAnnounced(nowMs: number, instance: Instance, groups: readonly BeaconGroup[]): void {
    for (const group of this.#groups.values()) {
      const mention = groups.find(({ groupId }) => groupId === group.name.groupId);
      if (mention === undefined) group.ways.unannounced(instance);
      else group.announced(nowMs, instance, mention.digest);
    }
  }

  /** How a group reaches its members now, as far as it is certain; undefined for no member. */
  transportOf(groupId: string): GroupWays | undefined {
    const group = this.#groups.get(groupId);
    return group === undefined || group.leaving ? undefined : group.ways.present;
  }

  /** The user blocked a device: it is no member of anything any more. */
  blocked(_nowMs: number, device: string): void {
    for (const { members, leaving, expelled } of this.#groups.values()) {
      // Nobody is told of the members of a group that we are out of.
      if (!leaving && !expelled) members.dismiss(device);
    }
  }

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
  say(groupId: string, line: Omit<GroupLine, "hlc">): void {
    const hlc = this.#context.clock.tick(line.sentAtMs);
    this.#present(groupId).say({ ...line, hlc });
  }

  #present(groupId: string): Group {
    const group = this.#groups.get(groupId);
    if (group !== undefined && !group.leaving && !group.expelled) return group;
    throw new UdpchatError("NOT_A_MEMBER", "not a member of this group", {
      remedy: "join it first",
    });
  }

  /** A group datagram. Throws MALFORMED_DATAGRAM alone. */
  receive(nowMs: number, datagram: ReceivedDatagram): void {
    if (datagramType(datagram.bytes) !== DatagramType.groupSealed) {
      this.#receiveSigned(nowMs, { ...datagram, key: undefined }, undefined);
      return;
    }
    const sealed = decodeSealedGroup(datagram.bytes);
    const opened = this.#listening(sealed.groupId)?.keys?.open(nowMs, sealed, datagram.from);
    if (opened === undefined) return;
    this.#receiveSigned(nowMs, { ...datagram, ...opened }, sealed.groupId);
  }

  /** `sealedGroupId`: of the seal around it; undefined if it came without one. */
  #receiveSigned(nowMs: number, datagram: GroupDatagram, sealedGroupId: string | undefined): void {
    if (this.#isOwn(datagram.bytes)) {
      this.#context.counters.add("datagramsOwn");
      return;
    }
    switch (datagramType(datagram.bytes)) {
      case DatagramType.groupData: {
        const data = decodeGroupData(datagram.bytes);
        this.#groupFor(data, sealedGroupId)?.receiveData(nowMs, data, datagram);
        return;
      }
      case DatagramType.groupHeartbeat: {
        const heartbeat = decodeGroupHeartbeat(datagram.bytes);
        this.#groupFor(heartbeat, sealedGroupId)?.receiveHeartbeat(nowMs, heartbeat, datagram);
        return;
      }
      case DatagramType.groupNack: {
        const nack = decodeGroupNack(datagram.bytes);
        this.#groupFor(nack, sealedGroupId)?.receiveNack(nowMs, nack, datagram);
        return;
      }
      default:
        this.#context.counters.add("datagramsUnknown");
    }
  }

  /** All that we multicast comes back to us: not worth a look inside. */
  #isOwn(datagram: Uint8Array): boolean {
    const sender = senderBytes(datagram);
    // From the end: incarnations differ soon.
    for (let at = this.#ownInstance.length - 1; at >= 0; at -= 1) {
      if (sender[at] !== this.#ownInstance[at]) return false;
    }
    return true;
  }

  /** The group of a datagram, if we are in it and it is sealed as it must be. */
  #groupFor(
    message: Instance & { readonly groupId: string },
    sealedGroupId: string | undefined,
  ): Group | undefined {
    const group = this.#listening(message.groupId);
    // Groups of others on this host and network are heard as well: no reason to count them.
    if (group === undefined) return undefined;
    if (sealedGroupId === (group.name.secret ? message.groupId : undefined)) return group;
    this.#context.counters.add("datagramsForged");
    return undefined;
  }

  #listening(groupId: string): Group | undefined {
    const group = this.#groups.get(groupId);
    return group?.expelled === true ? undefined : group;
  }

  /** Packs the lines of this turn into datagrams and sends what the token bucket allows. */
  flush(nowMs: number): void {
    this.#context.pacer.run(nowMs);
  }

  /** The members that are known, ourselves not included; none if we are not a member. */
  members(groupId: string): GroupMember[] {
    const group = this.#groups.get(groupId);
    return group === undefined || group.leaving ? [] : group.members.list();
  }

  /** Members remembered, in all groups; at most `limits.groups` times `limits.membersPerGroup`. */
  get memberCount(): number {
    let count = 0;
    for (const { members } of this.#groups.values()) count += members.size;
    return count;
  }

  /** Bytes of others that wait for something missing; at most `limits.reassemblyBytes`. */
  get heldBytes(): number {
    return this.#context.held.budget.usedBytes;
  }

  /** What a beacon says of our groups: those that were joined first. */
  mentions(): BeaconGroup[] {
    const present = [...this.#groups.values()].filter(
      ({ leaving, expelled }) => !leaving && !expelled,
    );
    return present
      .slice(0, MAX_BEACON_GROUPS)
      .map(({ name, archive }) => ({ groupId: name.groupId, digest: archive.digest }));
  }

  /** We have another nickname: every group hears of it soon. */
  rename(nowMs: number, name: string): void {
    this.#context.name = name;
    for (const group of this.#groups.values()) group.showOurselves(nowMs);
  }

  /** An interface appeared, vanished or changed: every group hears from us soon. */
  interfacesChanged(nowMs: number): void {
    this.#context.pacer.resetRate();
    for (const group of this.#groups.values()) group.interfacesChanged(nowMs);
  }

  /** We could not listen for `lagMs`: nobody is to be blamed for silence in that time. */
  compensate(nowMs: number, lagMs: number): void {
    for (const { members, ways } of this.#groups.values()) {
      members.compensate(nowMs, lagMs);
      ways.compensate(nowMs, lagMs);
    }
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
