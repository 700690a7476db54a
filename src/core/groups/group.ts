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
import { isAuthentic } from "../authenticity.js";
import type { ReceivedDatagram } from "../io.js";
import type { Alarm } from "../timers.js";
import { Farewell } from "./farewell.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import { HeartbeatSchedule } from "./heartbeatSchedule.js";
import { Member } from "./member.js";
import { Members } from "./members.js";
import { GroupRoundTrip } from "./nack.js";
import type { PacedSource } from "./pacer.js";
import type { GroupLine, Sender } from "./sender.js";

/** A member for longer than this has met everybody: who is unknown is new, or was cut off. */
const ESTABLISHED_AFTER_MS = 2000;
/** NACKs that come within this time of the first are answered with it. */
const REPAIR_COLLECT_MS = 2;

/** Our membership of one group, from `join` until everything is said after `leave`. */
export class Group implements PacedSource {
  readonly name: GroupName;
  readonly members: Members;
  readonly #context: GroupsContext;
  readonly #joinedAtMs: number;
  readonly #sender: Sender;
  readonly #schedule: HeartbeatSchedule;
  readonly #roundTrip = new GroupRoundTrip();
  readonly #left: (group: Group) => void;
  readonly #heartbeatDue: Alarm = (nowMs) => this.#sendDueHeartbeats(nowMs);
  readonly #farewellDue: Alarm = (nowMs) => this.#checkFarewell(nowMs);
  #farewell: Farewell | undefined;

  constructor(
    nowMs: number,
    context: GroupsContext,
    membership: {
      readonly name: GroupName;
      readonly sender: Sender;
      /** We left, and nobody asks for repairs any more. */
      readonly left: (group: Group) => void;
    },
  ) {
    this.#context = context;
    this.name = membership.name;
    this.#sender = membership.sender;
    this.#left = membership.left;
    this.#joinedAtMs = nowMs;
    this.members = new Members(context, this.name.groupId);
    this.#schedule = new HeartbeatSchedule(context.random, () => this.members.online);
    this.#schedule.joined(nowMs);
    this.#sendDueHeartbeats(nowMs);
    context.pacer.add(this);
  }

  get sender(): Sender {
    return this.#sender;
  }

  /** We said goodbye, or will as soon as everything is sent: only repairs are served. */
  get leaving(): boolean {
    return this.#farewell !== undefined;
  }

  say(line: GroupLine): void {
    this.#sender.say(line);
    this.#context.pacer.add(this);
  }

  /** Goodbye; ends in `left`. Twice is once. */
  leave(nowMs: number): void {
    if (this.#farewell !== undefined) return;
    this.members.close();
    this.#farewell = new Farewell(nowMs);
    this.#checkFarewell(nowMs);
  }

  interfacesChanged(nowMs: number): void {
    if (this.leaving) return;
    this.#schedule.interfacesChanged(nowMs);
    this.#context.timers.set(this.#heartbeatDue, this.#schedule.dueMs);
  }

  /** Drops everything, silently. */
  close(): void {
    this.members.close();
    this.#context.pacer.remove(this);
    this.#context.timers.clear(this.#heartbeatDue);
    this.#context.timers.clear(this.#repairsDue);
    this.#context.timers.clear(this.#farewellDue);
  }

  // What others say. The cheap checks come first: see `receiveData`.

  receiveData(nowMs: number, data: GroupData, datagram: ReceivedDatagram): void {
    if (this.leaving) return;
    const known = this.members.find(data);
    if (known !== undefined && !known.receiver.wants(data.sequence)) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return;
    }
    if (!isAuthentic(this.#context, nowMs, data.device, datagram)) return;
    const established = this.#isEstablished(nowMs);
    const baseline = { expected: established ? 1 : data.sequence, provisional: established };
    const wasOnline = this.members.isOnline(data.device);
    const member = known ?? this.#admit(data, datagram, baseline);
    if (member === undefined) return;
    this.#context.counters.add("groupDatagramsReceived");
    member.heard(nowMs, datagram.from);
    // Repairs of what it once said prove nothing about now; nor does anything after its goodbye.
    const isNews = data.sequence > member.receiver.lead && member.state !== "left";
    const joins = known === undefined && established;
    if (isNews) {
      member.rename(data.name);
      this.members.arrived(member, wasOnline, joins ? "join" : "online");
    }
    member.receiver.accept(nowMs, data, datagram.bytes);
  }

  receiveHeartbeat(nowMs: number, heartbeat: GroupHeartbeat, datagram: ReceivedDatagram): void {
    if (this.leaving) return;
    const known = this.members.find(heartbeat);
    if (known?.isStale(heartbeat) === true) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return;
    }
    if (known === undefined && heartbeat.leaving) return; // whom we never met
    if (!isAuthentic(this.#context, nowMs, heartbeat.device, datagram)) return;
    const everything = heartbeat.hello || this.#isEstablished(nowMs);
    const expected = everything ? heartbeat.trail : heartbeat.lead + 1;
    const wasOnline = this.members.isOnline(heartbeat.device);
    const member = known ?? this.#admit(heartbeat, datagram, { expected, provisional: false });
    if (member === undefined) return;
    member.describe(heartbeat);
    member.heard(nowMs, datagram.from);
    if (heartbeat.leaving) {
      if (member.state !== "left") this.members.departed(member, "leave");
    } else {
      const isReturn = known !== undefined && known.state === "offline" && !heartbeat.hello;
      // Whoever makes itself known to us newcomers was there before.
      this.members.arrived(member, wasOnline, isReturn || !everything ? "online" : "join");
    }
    member.receiver.announced(nowMs, heartbeat);
    if (heartbeat.hello) this.#heartbeatAsked(nowMs);
  }

  /** We have been here long enough to have met everybody: who is new to us is new here. */
  #isEstablished(nowMs: number): boolean {
    return nowMs - this.#joinedAtMs > ESTABLISHED_AFTER_MS;
  }

  receiveNack(nowMs: number, nack: GroupNack, datagram: ReceivedDatagram): void {
    const { identity, incarnation } = this.#context;
    if (nack.of.device === identity.device && nack.of.incarnation === incarnation) {
      this.#receiveNackOfOurs(nowMs, nack, datagram);
      return;
    }
    const asked = this.members.find(nack.of);
    if (asked === undefined || !asked.receiver.isCoveredBy(nack.missing)) return;
    if (isAuthentic(this.#context, nowMs, nack.device, datagram)) asked.receiver.suppress(nowMs);
  }

  #receiveNackOfOurs(nowMs: number, nack: GroupNack, datagram: ReceivedDatagram): void {
    const { grttMs } = this.#roundTrip;
    const repairs = this.#sender.repairable(nowMs, nack.missing, grttMs);
    const isHopeless = nack.missing.some((range) => range.first < this.#sender.trail);
    if (repairs.length === 0 && !isHopeless) return;
    if (!isAuthentic(this.#context, nowMs, nack.device, datagram)) return;
    this.#farewell?.asked(nowMs);
    this.#sender.queueRepairs(repairs);
    if (repairs.length > 0 && this.#context.timers.get(this.#repairsDue) === undefined) {
      this.#context.timers.set(this.#repairsDue, nowMs + REPAIR_COLLECT_MS);
    }
    // They wait for what nobody can repeat: a heartbeat tells them.
    if (isHopeless && !this.leaving) this.#heartbeatAsked(nowMs);
  }

  #admit(
    instance: Instance,
    datagram: ReceivedDatagram,
    baseline: { readonly expected: number; readonly provisional: boolean },
  ): Member | undefined {
    if (!this.members.makeRoom(instance.device)) return undefined;
    const surroundings = {
      groupId: this.name.groupId,
      roundTrip: this.#roundTrip,
      memberCount: () => this.members.online,
      silent: (member: Member) => this.members.departed(member, "offline"),
      sendNack: (of: Instance, missing: readonly SequenceRange[]) => this.#sendNack(of, missing),
    };
    const origin = { instance, from: datagram.from };
    const member = new Member(this.#context, surroundings, origin, baseline);
    this.members.add(member);
    return member;
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
    if (bytes !== undefined) {
      this.#transmit(bytes);
      this.#context.counters.add("groupDatagramsSent");
    }
    if (this.#sender.lead !== leadBefore) {
      this.#context.digestChanged();
      if (!this.leaving) {
        this.#schedule.dataSent(nowMs);
        this.#context.timers.set(this.#heartbeatDue, this.#schedule.dueMs);
      }
    }
    if (this.leaving) this.#checkFarewell(nowMs);
    return bytes?.length ?? 0;
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
      const said = { ...due, startedAtMs, lead, trail, name, dataPort };
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
      this.close();
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

  #transmit(bytes: Uint8Array): void {
    const { address, port } = this.name;
    this.#context.outputs.transmit(bytes, { kind: "multicast", to: { address, port } });
  }
}
