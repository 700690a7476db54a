import type { GroupKey } from "../../crypto/groupSeal.js";
import type { GroupData, GroupHeartbeat, GroupNack, SequenceRange } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { isAuthentic } from "../authenticity.js";
import type { Address, ReceivedDatagram } from "../io.js";
import type { GroupsContext } from "./groupsContext.js";
import type { KeyExchange } from "./keyExchange.js";
import { Member } from "./member.js";
import type { Members } from "./members.js";
import type { GroupRoundTrip } from "./nack.js";
import { type Baseline, type Newcomer, Newcomers } from "./newcomers.js";

/** A member for longer than this has met everybody: who is unknown is new, or was cut off. */
const ESTABLISHED_AFTER_MS = 2000;
/** Data does not say when its author started: before any start that is known. */
const UNKNOWN_START_MS = -1;

/** A signed group datagram, and what sealed it; undefined in an open group. */
export interface GroupDatagram extends ReceivedDatagram {
  readonly key: GroupKey | undefined;
}

/** What hearing needs of the membership around it. */
export interface HearingSurroundings {
  readonly groupId: string;
  readonly members: Members;
  readonly roundTrip: GroupRoundTrip;
  /** Of a secret group. */
  readonly keys: KeyExchange | undefined;
  /** Somebody wants to hear from us. */
  heartbeatAsked(nowMs: number): void;
  sendNack(of: Instance, missing: readonly SequenceRange[]): void;
}

/** What others say in a group, from the cheap checks, which come first, to the members' states. */
export class Hearing {
  readonly #context: GroupsContext;
  readonly #around: HearingSurroundings;
  readonly #joinedAtMs: number;
  readonly #newcomers: Newcomers;

  constructor(nowMs: number, context: GroupsContext, surroundings: HearingSurroundings) {
    this.#context = context;
    this.#around = surroundings;
    this.#joinedAtMs = nowMs;
    this.#newcomers = new Newcomers(context, (provedAtMs, newcomer) => {
      this.#welcome(provedAtMs, newcomer);
    });
  }

  /** Nothing more is heard. */
  close(): void {
    this.#newcomers.close();
  }

  data(nowMs: number, data: GroupData, datagram: GroupDatagram): void {
    const known = this.#find(nowMs, data);
    if (known !== undefined && !known.receiver.wants(data.sequence)) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return;
    }
    const unproven = known === undefined && this.#isUnproven(nowMs, data, UNKNOWN_START_MS);
    // Of a newcomer one datagram is enough; the others are asked for when it has shown itself.
    if (unproven && this.#newcomers.get(data) !== undefined) return;
    if (!this.isBelieved(nowMs, data.device, datagram)) return;
    const established = this.#isEstablished(nowMs);
    const baseline = { expected: established ? 1 : data.sequence, provisional: established };
    if (unproven) {
      const { from } = datagram;
      const heard = { instance: instanceOf(data), from, baseline, heartbeat: undefined };
      this.#newcomers.set(nowMs, { ...heard, joins: established });
      return;
    }
    const wasOnline = this.#around.members.isOnline(data.device);
    const member = known ?? this.#admit(data, datagram.from, baseline);
    if (member === undefined) return;
    this.#context.counters.add("groupDatagramsReceived");
    member.heard(nowMs, datagram.from);
    // Repairs of what it once said prove nothing about now; nor does anything after its goodbye.
    const isNews = data.sequence > member.receiver.lead && member.state !== "left";
    const joins = known === undefined && established;
    if (isNews) {
      member.rename(data.name);
      this.#around.members.arrived(member, wasOnline, joins ? "join" : "online");
    }
    member.receiver.accept(nowMs, data, datagram.bytes);
  }

  heartbeat(nowMs: number, heartbeat: GroupHeartbeat, datagram: GroupDatagram): void {
    const known = this.#find(nowMs, heartbeat);
    const newcomer = known === undefined ? this.#newcomers.get(heartbeat) : undefined;
    const isStale = (newcomer?.heartbeat?.sequence ?? -1) >= heartbeat.sequence;
    if (known?.isStale(heartbeat) === true || isStale) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return;
    }
    if (known === undefined && heartbeat.leaving) return; // whom we never met
    if (!this.isBelieved(nowMs, heartbeat.device, datagram)) return;
    const everything = heartbeat.hello || this.#isEstablished(nowMs);
    if (known === undefined) {
      const expected = everything ? heartbeat.trail : heartbeat.lead + 1;
      const baseline = newcomer?.baseline ?? { expected, provisional: false };
      // Whoever makes itself known to us newcomers was there before.
      const joins = everything || newcomer?.joins === true;
      const { from } = datagram;
      const heard = { instance: instanceOf(heartbeat), from, baseline, joins, heartbeat };
      const unproven = this.#isUnproven(nowMs, heartbeat, heartbeat.startedAtMs);
      if (unproven) this.#newcomers.set(nowMs, heard);
      else this.#welcome(nowMs, heard);
    } else this.#applyHeartbeat(nowMs, known, heartbeat, datagram.from);
    if (heartbeat.hello) this.#around.heartbeatAsked(nowMs);
  }

  #applyHeartbeat(nowMs: number, member: Member, heartbeat: GroupHeartbeat, from: Address): void {
    const wasOnline = this.#around.members.isOnline(heartbeat.device);
    member.describe(heartbeat);
    member.heard(nowMs, from);
    if (heartbeat.leaving) {
      if (member.state !== "left") this.#around.members.departed(member, "leave");
    } else {
      const everything = heartbeat.hello || this.#isEstablished(nowMs);
      const isReturn = member.state === "offline" && !heartbeat.hello;
      this.#around.members.arrived(member, wasOnline, isReturn || !everything ? "online" : "join");
    }
    member.receiver.announced(nowMs, heartbeat);
  }

  /** A known member, or a newcomer that has shown itself. */
  #find(nowMs: number, instance: Instance): Member | undefined {
    const known = this.#around.members.find(instance);
    if (known !== undefined) return known;
    const newcomer = this.#newcomers.get(instance);
    if (newcomer === undefined || !this.#context.isPresent(nowMs, instance)) return undefined;
    return this.#welcome(nowMs, newcomer);
  }

  /** Somebody whom we had not met is here. */
  #welcome(nowMs: number, newcomer: Newcomer): Member | undefined {
    const { instance, from, baseline, joins, heartbeat } = newcomer;
    this.#newcomers.delete(instance);
    // It was kept out, or blocked, before it showed itself.
    if (this.#isUnwelcome(instance.device)) return undefined;
    const wasOnline = this.#around.members.isOnline(instance.device);
    const member = this.#admit(instance, from, baseline);
    if (member === undefined) return undefined;
    member.heard(nowMs, from);
    if (heartbeat === undefined) return member;
    member.describe(heartbeat);
    this.#around.members.arrived(member, wasOnline, joins ? "join" : "online");
    member.receiver.announced(nowMs, heartbeat);
    return member;
  }

  #isUnwelcome(device: string): boolean {
    return this.#context.trust.isBlocked(device) || this.#around.keys?.isRemoved(device) === true;
  }

  /** A recording, perhaps, of somebody who was here once: it has to show that it is running. */
  #isUnproven(nowMs: number, instance: Instance, startedAtMs: number): boolean {
    const { identity, startedAtMs: ourStartMs } = this.#context;
    // Another process of ours is not asked: what is recorded of us started before us.
    if (instance.device === identity.device) return startedAtMs < ourStartMs;
    return !this.#context.isPresent(nowMs, instance);
  }

  /** We have been here long enough to have met everybody: who is new to us is new here. */
  #isEstablished(nowMs: number): boolean {
    return nowMs - this.#joinedAtMs > ESTABLISHED_AFTER_MS;
  }

  /** The costly checks, last: its signature, and that the group has not kept it out. */
  isBelieved(nowMs: number, device: string, datagram: GroupDatagram): boolean {
    const { key } = datagram;
    const { keys } = this.#around;
    if (key === undefined || keys === undefined) {
      return isAuthentic(this.#context, nowMs, device, datagram);
    }
    if (keys.ignores(nowMs, device, key)) return false;
    const authentic = isAuthentic(this.#context, nowMs, device, datagram);
    return authentic && keys.heard(nowMs, device, key);
  }

  /** A NACK for somebody else's datagrams: perhaps we need not ask for the same. */
  nack(nowMs: number, nack: GroupNack, asker: Member, datagram: GroupDatagram): void {
    const asked = this.#around.members.find(nack.of);
    if (asked === undefined || !asked.receiver.isCoveredBy(nack.missing)) return;
    if (!this.isBelieved(nowMs, nack.device, datagram)) return;
    asker.asked(nowMs, nack);
    asked.receiver.suppress(nowMs);
  }

  #admit(instance: Instance, from: Address, baseline: Baseline): Member | undefined {
    if (!this.#around.members.makeRoom(instance.device)) return undefined;
    const surroundings = {
      groupId: this.#around.groupId,
      roundTrip: this.#around.roundTrip,
      memberCount: () => this.#around.members.online,
      silent: (member: Member) => this.#around.members.departed(member, "offline"),
      sendNack: (of: Instance, missing: readonly SequenceRange[]) =>
        this.#around.sendNack(of, missing),
    };
    const origin = { instance, from };
    const member = new Member(this.#context, surroundings, origin, baseline);
    this.#around.members.add(member);
    this.#around.keys?.met(instance.device);
    return member;
  }
}

function instanceOf({ device, incarnation }: Instance): Instance {
  return { device, incarnation };
}
