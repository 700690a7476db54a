import {
  encodeGroupNack,
  type GroupData,
  type GroupHeartbeat,
  type GroupNack,
  type SequenceRange,
} from "../../wire/group.js";
import { withSignature } from "../../wire/header.js";
import type { Instance } from "../../wire/presence.js";
import type { Address, GroupKeys, PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import type { Archive } from "./archive.js";
import { Deliveries } from "./deliveries.js";
import { Farewell } from "./farewell.js";
import type { GroupName } from "./groupName.js";
import type { GroupsContext } from "./groupsContext.js";
import { type GroupDatagram, Hearing } from "./hearing.js";
import { type ArchivedVerdict, Hearsay, type KeptDatagram } from "./hearsay.js";
import { type GroupOrigin, Heartbeats } from "./heartbeats.js";
import { Intake } from "./intake.js";
import { KeyExchange } from "./keyExchange.js";
import { Losses } from "./losses.js";
import type { Member } from "./member.js";
import { Members } from "./members.js";
import { GroupRoundTrip } from "./nack.js";
import { NackAnswers, type NackAnswersSurroundings } from "./nackAnswers.js";
import type { PacedSource } from "./pacer.js";
import type { GroupLine, Sender } from "./sender.js";
import { Sync } from "./sync.js";
import { Ways } from "./ways.js";

/** Our membership of one group, from `join` until everything is said after `leave`. */
export class Group implements PacedSource {
  readonly name: GroupName;
  readonly members: Members;
  readonly archive: Archive;
  /** Of a secret group. */
  readonly keys: KeyExchange | undefined;
  readonly ways: Ways;
  readonly #context: GroupsContext;
  readonly #sender: Sender;
  readonly #losses: Losses;
  readonly #heartbeats: Heartbeats;
  readonly #roundTrip = new GroupRoundTrip();
  readonly #intake: Intake;
  readonly #answers: NackAnswers;
  readonly #deliveries: Deliveries;
  readonly #left: (group: Group) => void;
  readonly #farewellDue: Alarm = (nowMs) => this.#checkFarewell(nowMs);
  #farewell: Farewell | undefined;
  /** The group goes on without us. */
  #expelled = false;
  readonly #hearing: Hearing;
  readonly #hearsay: Hearsay;
  readonly #sync: Sync;

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
    this.#losses = new Losses(this.#sender.lead);
    this.#left = membership.left;
    this.members = new Members(context, this.name.groupId);
    this.archive = this.#sender.archive;
    this.keys = this.#keyExchange(membership.keys);
    this.#intake = new Intake(context, this.name.groupId, this.archive, this.members);
    this.#deliveries = new Deliveries(context, this.name.groupId);
    this.#answers = new NackAnswers(context, this.#answersSurroundings());
    this.ways = new Ways(context, {
      name: this.name,
      members: this.members,
      ourDigest: () => this.archive.digest,
      heartbeatWanted: (wantedAtMs) => {
        if (!this.leaving) this.#heartbeats.asked(wantedAtMs);
      },
    });
    this.#hearing = new Hearing(nowMs, context, {
      groupId: this.name.groupId,
      members: this.members,
      archive: this.archive,
      intake: this.#intake,
      roundTrip: this.#roundTrip,
      keys: this.keys,
      repeated: (heardAtMs, data, datagram) => this.#answers.repeated(heardAtMs, data, datagram),
      heartbeatAsked: (askedAtMs) => this.#heartbeats.asked(askedAtMs),
      sendNack: (of, missing) => this.#sendNack(of, missing),
      ways: this.ways,
      digestHeard: (heardAtMs, member, digest) => this.#digestHeard(heardAtMs, member, digest),
      memberReturned: (returnedAtMs, member) => this.#memberReturned(returnedAtMs, member),
      catchingUp: (askedAtMs) => this.#catchingUp(askedAtMs),
    });
    this.#hearsay = new Hearsay(context, {
      groupId: this.name.groupId,
      members: this.members,
      archive: this.archive,
      intake: this.#intake,
      keys: this.keys,
    });
    this.#sync = new Sync(nowMs, context, {
      name: this.name,
      archive: this.archive,
      members: this.members,
      keys: this.keys,
      archived: (atMs, data, datagram, from) => this.archived(atMs, data, datagram, from),
      isRepairing: (askedAtMs) => this.members.isRepairing(askedAtMs),
      showOurselves: (atMs) => this.#heartbeats.asked(atMs),
    });
    this.#heartbeats = new Heartbeats(context, {
      origin: this.#origin,
      members: this.members,
      sender: this.#sender,
      ways: this.ways,
      trail: () => this.#trail,
      sending: (sentAtMs) => {
        this.#farewell?.said(sentAtMs);
        this.#noteDigest();
      },
      finished: (unsigned) => this.#signedAndSealed(unsigned),
    });
    this.#heartbeats.joined(nowMs);
    context.pacer.watch(this.#losses);
    context.pacer.add(this);
  }

  #answersSurroundings(): NackAnswersSurroundings {
    const isLeaving = () => this.leaving;
    return {
      members: this.members,
      sender: this.#sender,
      roundTrip: this.#roundTrip,
      get leaving() {
        return isLeaving();
      },
      trail: () => this.#trail,
      isBelieved: (nowMs, device, datagram) => this.#hearing.isBelieved(nowMs, device, datagram),
      asked: (nowMs, asker, missing) => {
        this.#losses.asked(nowMs, asker, missing);
        this.#farewell?.asked(nowMs);
      },
      heartbeatAsked: (nowMs) => this.#heartbeats.asked(nowMs),
      repairsReady: () => this.#context.pacer.add(this),
    };
  }

  get #trail(): number {
    return this.#sender.trail(this.keys?.presentKeyId);
  }

  #keyExchange(keys: GroupKeys | undefined): KeyExchange | undefined {
    if (keys === undefined) return undefined;
    return new KeyExchange(this.#context, this.name, keys, {
      members: this.members,
      expelled: (nowMs) => {
        this.#sync.close(nowMs);
        this.#expel();
      },
      showOurselves: (nowMs) => {
        if (!this.leaving) this.#heartbeats.asked(nowMs);
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
    this.#intake.close();
    this.#answers.leave();
    this.#sync.close(nowMs);
    this.ways.settle();
    this.#farewell = new Farewell(nowMs);
    if (this.#expelled) {
      this.close(nowMs);
      this.#left(this);
      return;
    }
    this.#checkFarewell(nowMs);
  }

  /** What we say of ourselves has changed. */
  showOurselves(nowMs: number): void {
    if (!this.leaving && !this.#expelled) this.#heartbeats.asked(nowMs);
  }

  interfacesChanged(nowMs: number): void {
    if (this.leaving || this.#expelled) return;
    this.#heartbeats.interfacesChanged(nowMs);
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
    this.#sync.close(nowMs);
    this.#stop();
  }

  #stop(): void {
    this.#hearing.close();
    this.#intake.close();
    this.#answers.close();
    this.ways.close();
    this.#context.pacer.remove(this);
    this.#context.pacer.unwatch(this.#losses);
    this.#heartbeats.close();
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
    this.#answers.receive(nowMs, nack, datagram);
  }

  /**
   * A datagram of somebody that did not come from its author as it was said, but from what others
   * keep. What is new in it is kept, and told. `from`: who gave it to us.
   */
  archived(nowMs: number, data: GroupData, datagram: KeptDatagram, from: Address): ArchivedVerdict {
    return this.leaving ? "unwanted" : this.#hearsay.archived(nowMs, data, datagram, from);
  }

  #digestHeard(nowMs: number, member: Member, digest: string): void {
    this.#noteDigest();
    this.#deliveries.heard(member, digest);
    this.#sync.digestHeard(nowMs, member.device, digest);
  }

  /** Whoever says this digest, now or soon, has all that we said up to now: if we have it. */
  #noteDigest(): void {
    if (!this.#sender.keepsAllSaid) return;
    this.#deliveries.at(this.archive.digest, this.#sender.lead);
  }

  #memberReturned(_nowMs: number, member: Member): void {
    this.#sync.memberReturned(member.device);
  }

  #catchingUp(nowMs: number): boolean {
    return this.#sync.catchingUp(nowMs);
  }

  /** Somebody who is running says by its beacon that it is here, and what it holds. */
  announced(nowMs: number, instance: Instance, digest: string): void {
    if (this.leaving || this.#expelled) return;
    this.ways.announced(nowMs, instance, digest);
    this.#sync.digestHeard(nowMs, instance.device, digest);
  }

  /** A record about what we hold, or lack; `rest`: of its body. Throws MALFORMED_DATAGRAM alone. */
  receiveSync(nowMs: number, from: PeerRef, rest: Uint8Array): void {
    if (!this.leaving && !this.#expelled) this.#sync.receive(nowMs, from, rest);
  }

  // What we say.

  get pending(): boolean {
    const hasRepairs = !this.#sender.repairs.isEmpty && !this.#answers.collecting;
    return this.#sender.hasLines || hasRepairs;
  }

  get isHeard(): boolean {
    return this.members.online > 1;
  }

  hasNewFor(nowMs: number): boolean {
    return this.#sender.hasLinesFor(nowMs);
  }

  readyAtMs(nowMs: number): number {
    return this.#sender.readyAtMs(nowMs);
  }

  transmitNext(nowMs: number): number {
    const outgoing = this.#sender.take(nowMs, this.keys?.presentKeyId);
    let sentBytes = 0;
    if (outgoing !== undefined) {
      sentBytes = this.ways.data(this.#sealed(outgoing.bytes));
      this.#context.counters.add("groupDatagramsSent");
      if (!outgoing.isRepair) this.#losses.sent(this.#sender.lead);
    }
    if (this.leaving) this.#checkFarewell(nowMs);
    else if (outgoing !== undefined && this.#sender.isOurs(outgoing.of)) {
      if (outgoing.isRepair) this.#heartbeats.repairSent(nowMs);
      else this.#heartbeats.dataSent(nowMs);
    }
    return sentBytes;
  }

  #sendNack(of: Instance, missing: readonly SequenceRange[]): void {
    const sequence = this.#sender.nextHeartbeatSequence();
    const nack = encodeGroupNack({ ...this.#origin, sequence, of, missing });
    this.ways.nack(this.#signedAndSealed(nack));
  }

  #checkFarewell(nowMs: number): void {
    const farewell = this.#farewell;
    if (farewell === undefined) return;
    if (this.#sender.hasLines && farewell.outOfPatience(nowMs)) this.#sender.dropLines();
    if (!this.#sender.hasLines && farewell.drained(nowMs)) {
      // Only now is the lead final.
      this.#heartbeats.leaving(nowMs);
    }
    if (!this.#sender.hasLines && farewell.isOver(nowMs, !this.#sender.repairs.isEmpty)) {
      this.close(nowMs);
      this.#left(this);
      return;
    }
    this.#context.timers.set(this.#farewellDue, farewell.dueMs(nowMs));
  }

  get #origin(): GroupOrigin {
    const { identity, incarnation } = this.#context;
    return { groupId: this.name.groupId, device: identity.device, incarnation };
  }

  #signedAndSealed(unsigned: Uint8Array): Uint8Array {
    return this.#sealed(withSignature(unsigned, this.#context.identity.sign(unsigned)));
  }

  /** With the seal around it that the group has now. */
  #sealed(signed: Uint8Array): Uint8Array {
    return this.keys?.seal(signed) ?? signed;
  }
}
