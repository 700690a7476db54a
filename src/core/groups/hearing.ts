import type { GroupKey } from "../../crypto/groupSeal.js";
import type { GroupData, GroupHeartbeat, SequenceRange } from "../../wire/group.js";
import { readingAt } from "../../wire/hybridReading.js";
import type { Instance } from "../../wire/presence.js";
import { isAuthentic } from "../authenticity.js";
import type { Address, ReceivedDatagram } from "../io.js";
import type { Archive } from "./archive.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Arrival } from "./heldDatagrams.js";
import type { Intake } from "./intake.js";
import type { KeyExchange } from "./keyExchange.js";
import { Member } from "./member.js";
import type { Members } from "./members.js";
import type { GroupRoundTrip } from "./nack.js";
import { type Newcomer, Newcomers } from "./newcomers.js";
import type { Baseline } from "./receiver.js";
import type { Ways } from "./ways.js";

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
  readonly archive: Archive;
  readonly intake: Intake;
  readonly roundTrip: GroupRoundTrip;
  /** Of a secret group. */
  readonly keys: KeyExchange | undefined;
  /** Somebody wants to hear from us. */
  heartbeatAsked(nowMs: number): void;
  sendNack(of: Instance, missing: readonly SequenceRange[]): void;
  readonly ways: Ways;
  /** Somebody sent what is known already: its author twice, or whoever repairs. */
  repeated(nowMs: number, data: GroupData, datagram: GroupDatagram): void;
  /** A member said what it holds: the digest of a heartbeat that is believed. */
  digestHeard(nowMs: number, member: Member, digest: string): void;
  /** A member that was offline is here again. */
  memberReturned(nowMs: number, member: Member): void;
  /** What was said before we came is on its way to us by other means: it need not be asked for. */
  catchingUp(nowMs: number): boolean;
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
    if (this.#around.archive.isKnown(data, data.sequence)) {
      this.#context.counters.add("groupDatagramsDuplicate");
      this.#around.repeated(nowMs, data, datagram);
      return;
    }
    const known = this.#find(nowMs, data);
    if (known === undefined && this.#isUnproven(nowMs, data, UNKNOWN_START_MS)) {
      this.#unprovenData(nowMs, data, datagram);
    } else if (known !== undefined && data.sequence < known.receiver.expected) {
      // A hole that was passed over is filled after all.
      this.#lateData(nowMs, data, datagram);
    } else if (known?.receiver.wants(data.sequence) === false) {
      this.#context.counters.add("groupDatagramsDuplicate");
    } else if (this.isBelieved(nowMs, data.device, datagram)) {
      this.#provenData(nowMs, data, datagram, known);
    }
  }

  /** Of somebody who is here, or was. */
  #provenData(
    nowMs: number,
    data: GroupData,
    { from, bytes, key, via }: GroupDatagram,
    known: Member | undefined,
  ): void {
    this.#around.ways.dataHeard(nowMs, via);
    const wasOnline = this.#around.members.isOnline(data.device);
    const established = this.#isEstablished(nowMs);
    const baseline = this.#baselineOfData(nowMs, data);
    const member = known ?? this.#admit(nowMs, data, from, baseline);
    if (member === undefined) return;
    this.#context.counters.add("groupDatagramsReceived");
    const byAuthor = member.isAt(from);
    if (known === undefined || (byAuthor && this.#isNews(nowMs, member, data))) {
      const joins = known === undefined && established && !baseline.resumed;
      if (known?.isSilent(nowMs) === true) member.receiver.cameBack(data.sequence - 1);
      member.heard(nowMs);
      member.rename(data.name);
      this.#around.members.arrived(member, wasOnline, joins ? "join" : "online");
    }
    const late = !member.isHereFor(data.sequence);
    member.receiver.accept(nowMs, data, { bytes, keyId: key?.id, late }, byAuthor);
  }

  /**
   * The member is saying this now. Repairs of what it once said prove nothing about now; nor does
   * anything after its goodbye, or, as it may be a recording, while it is not known to be running.
   */
  #isNews(nowMs: number, member: Member, { sequence }: GroupData): boolean {
    if (sequence <= member.receiver.lead || member.state === "left") return false;
    return member.state === "online" || this.#context.isPresent(nowMs, member);
  }

  /** Of a start of somebody that has not shown that it is running: a recording, perhaps. */
  #unprovenData(nowMs: number, data: GroupData, datagram: GroupDatagram): void {
    const next = this.#around.archive.next(data);
    if (next > 1 && data.sequence <= next) {
      // We know it from before, and what it once said is history, in its place. What leaves a hole
      // behind itself is had in order when it has shown itself, or is brought by others.
      this.#lateData(nowMs, data, datagram);
      return;
    }
    // Of a newcomer one datagram is enough; the others are asked for when it has shown itself.
    if (this.#newcomers.get(data) !== undefined) return;
    if (!this.isBelieved(nowMs, data.device, datagram)) return;
    const baseline = this.#baselineOfData(nowMs, data);
    const joins = this.#isEstablished(nowMs);
    const { from, via } = datagram;
    const heard = { instance: instanceOf(data), from, baseline, joins, heartbeat: undefined, via };
    this.#newcomers.set(nowMs, heard);
  }

  #lateData(nowMs: number, data: GroupData, datagram: GroupDatagram): void {
    if (!this.isBelieved(nowMs, data.device, datagram)) return;
    this.#context.counters.add("groupDatagramsReceived");
    const { bytes, key } = datagram;
    this.#around.intake.take(nowMs, data, { bytes, keyId: key?.id, late: true });
  }

  /** Where we begin to read somebody whose data came before any heartbeat. */
  #baselineOfData(nowMs: number, data: GroupData): Baseline {
    const provisional = this.#isEstablished(nowMs);
    return this.#baseline(nowMs, data, { expected: provisional ? 1 : data.sequence, provisional });
  }

  /** Of whom we kept something we go on behind it; what is missing before that, others bring. */
  #baseline(
    nowMs: number,
    instance: Instance,
    otherwise: Pick<Baseline, "expected" | "provisional">,
  ): Baseline {
    const next = this.#around.archive.next(instance);
    const cameMs = Math.max(this.#joinedAtMs, nowMs - ESTABLISHED_AFTER_MS);
    const cameHlc = readingAt(this.#context.wallMs(cameMs));
    if (next > 1) return { expected: next, provisional: false, resumed: true, cameHlc };
    return { ...otherwise, resumed: false, cameHlc: this.#isEstablished(nowMs) ? 0 : cameHlc };
  }

  heartbeat(nowMs: number, heartbeat: GroupHeartbeat, datagram: GroupDatagram): void {
    const known = this.#find(nowMs, heartbeat);
    const newcomer = known === undefined ? this.#newcomers.get(heartbeat) : undefined;
    const isStale = (newcomer?.heartbeat?.sequence ?? -1) >= heartbeat.sequence;
    const isOld = known?.isStale(heartbeat) === true || isStale;
    const { from, via } = datagram;
    if (isOld && !(known !== undefined && this.#around.ways.isNews(heartbeat, via))) {
      this.#context.counters.add("groupDatagramsDuplicate");
      return;
    }
    if (known === undefined && heartbeat.leaving) return; // whom we never met
    if (!this.isBelieved(nowMs, heartbeat.device, datagram)) return;
    const everything = heartbeat.hello || this.#isEstablished(nowMs);
    if (known === undefined) {
      const expected = everything ? heartbeat.trail : heartbeat.lead + 1;
      const baseline =
        newcomer?.baseline ?? this.#baseline(nowMs, heartbeat, { expected, provisional: false });
      // Whoever makes itself known to us newcomers was there before; so was whom we know.
      const joins = (everything || newcomer?.joins === true) && !baseline.resumed;
      const heard = { instance: instanceOf(heartbeat), from, baseline, joins, heartbeat, via };
      const unproven = this.#isUnproven(nowMs, heartbeat, heartbeat.startedAtMs);
      if (unproven) this.#newcomers.set(nowMs, heard);
      else this.#welcome(nowMs, heard);
    } else {
      if (!isOld) this.#applyHeartbeat(nowMs, known, heartbeat, from);
      this.#around.ways.heard(nowMs, heartbeat, datagram);
    }
    if (heartbeat.hello && !isOld) this.#around.heartbeatAsked(nowMs);
  }

  #applyHeartbeat(nowMs: number, member: Member, heartbeat: GroupHeartbeat, from: Address): void {
    const wasOnline = this.#around.members.isOnline(heartbeat.device);
    const wasOffline = member.state === "offline";
    if (wasOffline && member.isSilent(nowMs)) member.receiver.cameBack(heartbeat.lead);
    member.describe(heartbeat, from);
    member.heard(nowMs);
    if (heartbeat.leaving) this.#departed(nowMs, member, "leave");
    else {
      const everything = heartbeat.hello || this.#isEstablished(nowMs);
      const isReturn = member.state === "offline" && !heartbeat.hello;
      this.#around.members.arrived(member, wasOnline, isReturn || !everything ? "online" : "join");
    }
    member.receiver.announced(nowMs, heartbeat);
    if (wasOffline && member.state === "online") this.#around.memberReturned(nowMs, member);
    this.#around.digestHeard(nowMs, member, heartbeat.digest);
  }

  /** The others see by our heartbeat what we have of it: perhaps nobody else has its last words. */
  #departed(nowMs: number, member: Member, change: "leave" | "offline"): void {
    if (member.state === "left") return;
    this.#around.members.departed(member, change);
    this.#around.heartbeatAsked(nowMs);
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
    const { instance, from, joins, heartbeat, via } = newcomer;
    this.#newcomers.delete(instance);
    // It was kept out, or blocked, before it showed itself.
    if (this.#isUnwelcome(instance.device)) return undefined;
    const wasOnline = this.#around.members.isOnline(instance.device);
    // Others may have brought something of it meanwhile.
    const { cameHlc } = newcomer.baseline;
    const baseline = { ...this.#baseline(nowMs, instance, newcomer.baseline), cameHlc };
    const member = this.#admit(nowMs, instance, from, baseline);
    if (member === undefined) return undefined;
    member.heard(nowMs);
    if (heartbeat === undefined) return member;
    member.describe(heartbeat, from);
    this.#around.members.arrived(member, wasOnline, joins ? "join" : "online");
    member.receiver.announced(nowMs, heartbeat);
    this.#around.ways.heard(nowMs, heartbeat, { from, via });
    this.#around.digestHeard(nowMs, member, heartbeat.digest);
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

  #admit(nowMs: number, instance: Instance, from: Address, baseline: Baseline): Member | undefined {
    if (!this.#around.members.makeRoom(nowMs, instance.device)) return undefined;
    const surroundings = {
      groupId: this.#around.groupId,
      roundTrip: this.#around.roundTrip,
      memberCount: () => this.#around.members.online,
      silent: (silentAtMs: number, member: Member) => this.#departed(silentAtMs, member, "offline"),
      take: (takenAtMs: number, data: GroupData, arrival: Arrival) =>
        this.#around.intake.take(takenAtMs, data, arrival),
      catchingUp: (askedAtMs: number) => this.#around.catchingUp(askedAtMs),
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
