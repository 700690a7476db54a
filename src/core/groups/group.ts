import {
  encodeGroupHeartbeat,
  encodeGroupNack,
  type GroupData,
  type GroupHeartbeat,
  type GroupNack,
  type SequenceRange,
} from "../../wire/group.js";
import { withSignature } from "../../wire/header.js";
import type { Instance } from "../../wire/presence.js";
import type { GroupKeys } from "../io.js";
import type { Alarm } from "../timers.js";
import { Archive } from "./archive.js";
import { Farewell } from "./farewell.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import { type GroupDatagram, Hearing } from "./hearing.js";
import { HeartbeatSchedule } from "./heartbeatSchedule.js";
import { KeyExchange } from "./keyExchange.js";
import type { Member } from "./member.js";
import { Members } from "./members.js";
import { GroupRoundTrip } from "./nack.js";
import type { PacedSource } from "./pacer.js";
import type { GroupLine, Sender } from "./sender.js";

/** NACKs that come within this time of the first are answered with it. */
const REPAIR_COLLECT_MS = 2;
/** Our membership of one group, from `join` until everything is said after `leave`. */
export class Group implements PacedSource {
  readonly name: GroupName;
  readonly members: Members;
  readonly archive: Archive;
  /** Of a secret group. */
  readonly keys: KeyExchange | undefined;
  readonly #context: GroupsContext;
  readonly #sender: Sender;
  readonly #schedule: HeartbeatSchedule;
  readonly #roundTrip = new GroupRoundTrip();
  readonly #left: (group: Group) => void;
  readonly #heartbeatDue: Alarm = (nowMs) => this.#sendDueHeartbeats(nowMs);
  readonly #farewellDue: Alarm = (nowMs) => this.#checkFarewell(nowMs);
  #farewell: Farewell | undefined;
  /** The group goes on without us. */
  #expelled = false;
  readonly #hearing: Hearing;

  constructor(
    nowMs: number,
    context: GroupsContext,
    membership: {
      readonly name: GroupName;
      readonly sender: Sender;
      /** Of a secret group. */
      readonly keys: GroupKeys | undefined;
      /** We left, and nobody asks for repairs any more. */
      readonly left: (group: Group) => void;
    },
  ) {
    this.#context = context;
    this.name = membership.name;
    this.#sender = membership.sender;
    this.#left = membership.left;
    this.members = new Members(context, this.name.groupId);
    this.archive = new Archive(context, context.log, this.name.groupId);
    this.keys = this.#keyExchange(membership.keys);
    this.#hearing = new Hearing(nowMs, context, {
      groupId: this.name.groupId,
      members: this.members,
      roundTrip: this.#roundTrip,
      keys: this.keys,
      heartbeatAsked: (askedAtMs) => this.#heartbeatAsked(askedAtMs),
      sendNack: (of, missing) => this.#sendNack(of, missing),
    });
    this.#schedule = new HeartbeatSchedule(context.random, () => this.members.online);
    this.#schedule.joined(nowMs);
    this.#sendDueHeartbeats(nowMs);
    context.pacer.add(this);
  }

  #keyExchange(keys: GroupKeys | undefined): KeyExchange | undefined {
    if (keys === undefined) return undefined;
    return new KeyExchange(this.#context, this.name, keys, {
      members: this.members,
      expelled: () => this.#expel(),
      showOurselves: (nowMs) => {
        if (!this.leaving) this.#heartbeatAsked(nowMs);
      },
    });
  }

  get sender(): Sender {
    return this.#sender;
  }

  /** We said goodbye, or will as soon as everything is sent: only repairs are served. */
  get leaving(): boolean {
    return this.#farewell !== undefined;
  }

  /** We were kept out: nothing is sent or read any more. */
  get expelled(): boolean {
    return this.#expelled;
  }

  say(line: GroupLine): void {
    this.#sender.say(line);
    this.#context.pacer.add(this);
  }

  /** Goodbye; ends in `left`. Twice is once. */
  leave(nowMs: number): void {
    if (this.#farewell !== undefined) return;
    this.members.settle();
    this.#hearing.close();
    this.#farewell = new Farewell(nowMs);
    if (this.#expelled) {
      this.close(nowMs);
      this.#left(this);
      return;
    }
    this.#checkFarewell(nowMs);
  }

  interfacesChanged(nowMs: number): void {
    if (this.leaving || this.#expelled) return;
    this.#schedule.interfacesChanged(nowMs);
    this.#context.timers.set(this.#heartbeatDue, this.#schedule.dueMs);
  }

  /** Ends what would be sent or asked for; `leave` says the rest. */
  #expel(): void {
    this.#expelled = true;
    this.#sender.dropLines();
    this.members.close();
    this.#stop();
  }

  /** Drops everything, silently. */
  close(nowMs: number): void {
    this.members.close();
    this.keys?.close(nowMs);
    this.#stop();
  }

  #stop(): void {
    this.#hearing.close();
    this.#context.pacer.remove(this);
    this.#context.timers.clear(this.#heartbeatDue);
    this.#context.timers.clear(this.#repairsDue);
    this.#context.timers.clear(this.#farewellDue);
  }

  // What others say.

  receiveData(nowMs: number, data: GroupData, datagram: GroupDatagram): void {
    if (!this.leaving) this.#hearing.data(nowMs, data, datagram);
  }

  receiveHeartbeat(nowMs: number, heartbeat: GroupHeartbeat, datagram: GroupDatagram): void {
    if (!this.leaving) this.#hearing.heartbeat(nowMs, heartbeat, datagram);
  }

  receiveNack(nowMs: number, nack: GroupNack, datagram: GroupDatagram): void {
    // Strangers miss nothing: they begin with what is said when they come.
    const asker = this.members.find(nack);
    if (asker === undefined || asker.hasSpent(nowMs, nack)) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return;
    }
    const { identity, incarnation } = this.#context;
    if (nack.of.device === identity.device && nack.of.incarnation === incarnation) {
      this.#receiveNackOfOurs(nowMs, nack, asker, datagram);
    } else if (!this.leaving) this.#hearing.nack(nowMs, nack, asker, datagram);
  }

  #receiveNackOfOurs(nowMs: number, nack: GroupNack, asker: Member, datagram: GroupDatagram): void {
    const { grttMs } = this.#roundTrip;
    const repairs = this.#sender.repairable(nowMs, nack.missing, grttMs);
    const isHopeless = nack.missing.some((range) => range.first < this.#sender.trail);
    if (repairs.length === 0 && !isHopeless) return;
    if (!this.#hearing.isBelieved(nowMs, nack.device, datagram)) return;
    asker.asked(nowMs, nack);
    this.#farewell?.asked(nowMs);
    this.#sender.queueRepairs(repairs);
    if (repairs.length > 0 && this.#context.timers.get(this.#repairsDue) === undefined) {
      this.#context.timers.set(this.#repairsDue, nowMs + REPAIR_COLLECT_MS);
    }
    // They wait for what nobody can repeat: a heartbeat tells them.
    if (isHopeless && !this.leaving) this.#heartbeatAsked(nowMs);
  }

  // What we say.

  /** NACKs that come together are answered together: then the queued repairs get their turn. */
  readonly #repairsDue: Alarm = () => this.#context.pacer.add(this);

  get pending(): boolean {
    const collecting = this.#context.timers.get(this.#repairsDue) !== undefined;
    return this.#sender.hasLines || (this.#sender.hasRepairs && !collecting);
  }

  transmitNext(nowMs: number): number {
    const leadBefore = this.#sender.lead;
    const bytes = this.#sender.take(nowMs);
    let sentBytes = 0;
    if (bytes !== undefined) {
      sentBytes = this.#transmit(bytes);
      this.#context.counters.add("groupDatagramsSent");
    }
    const isNew = this.#sender.lead !== leadBefore;
    if (this.leaving) this.#checkFarewell(nowMs);
    else if (bytes !== undefined) {
      if (isNew) this.#schedule.dataSent(nowMs);
      else this.#schedule.repairSent(nowMs);
      this.#context.timers.set(this.#heartbeatDue, this.#schedule.dueMs);
    }
    return sentBytes;
  }

  #heartbeatAsked(nowMs: number): void {
    this.#schedule.asked(nowMs);
    this.#context.timers.set(this.#heartbeatDue, this.#schedule.dueMs);
  }

  #sendDueHeartbeats(nowMs: number): void {
    const due = this.#schedule.take(nowMs);
    if (due !== undefined) {
      this.#farewell?.said(nowMs);
      const { name, dataPort } = this.#context;
      const { lead, trail } = this.#sender;
      const sequence = this.#sender.nextHeartbeatSequence();
      const { startedAtMs } = this.#context;
      const { digest } = this.archive;
      const said = { ...due, startedAtMs, lead, trail, name, dataPort, digest, wantsCopies: false };
      this.#signAndSend(encodeGroupHeartbeat({ ...this.#origin(), sequence, ...said }));
      this.#context.counters.add("groupHeartbeatsSent");
    }
    this.#context.timers.set(this.#heartbeatDue, this.#schedule.dueMs);
  }

  #sendNack(of: Instance, missing: readonly SequenceRange[]): void {
    this.#signAndSend(
      encodeGroupNack({
        ...this.#origin(),
        sequence: this.#sender.nextHeartbeatSequence(),
        of,
        missing,
      }),
    );
  }

  #checkFarewell(nowMs: number): void {
    const farewell = this.#farewell;
    if (farewell === undefined) return;
    if (this.#sender.hasLines && farewell.outOfPatience(nowMs)) this.#sender.dropLines();
    if (!this.#sender.hasLines && farewell.drained(nowMs)) {
      // Only now is the lead final.
      this.#schedule.leaving(nowMs);
      this.#sendDueHeartbeats(nowMs);
    }
    if (!this.#sender.hasLines && farewell.isOver(nowMs, this.#sender.hasRepairs)) {
      this.close(nowMs);
      this.#left(this);
      return;
    }
    this.#context.timers.set(this.#farewellDue, farewell.dueMs(nowMs));
  }

  #origin(): { groupId: string; device: string; incarnation: string } {
    const { identity, incarnation } = this.#context;
    return { groupId: this.name.groupId, device: identity.device, incarnation };
  }

  #signAndSend(unsigned: Uint8Array): void {
    this.#transmit(withSignature(unsigned, this.#context.identity.sign(unsigned)));
  }

  /** Puts the seal around it that the group has now. Returns how many bytes are sent. */
  #transmit(signed: Uint8Array): number {
    const { address, port } = this.name;
    const bytes = this.keys?.seal(signed) ?? signed;
    this.#context.outputs.transmit(bytes, { kind: "multicast", to: { address, port } });
    return bytes.length;
  }
}
