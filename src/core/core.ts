import type { HandshakeSuite } from "../crypto/handshake.js";
import type { Identity, Verify } from "../crypto/identity.js";
import { type RandomSource, randomHex } from "../crypto/random.js";
import { UdpchatError } from "../errors.js";
import { DatagramType, DEFAULT_DISCOVERY_PORT, INCARNATION_BYTES } from "../wire/constants.js";
import { datagramType, versionAfterOurs } from "../wire/header.js";
import { messageId, messageIdParts, RecordKind } from "../wire/record.js";
import { type CoreContext, TRUST_NOTHING, type Trust } from "./context.js";
import { type CounterName, Counters } from "./counters.js";
import { Discovery } from "./discovery/discovery.js";
import { Examinations } from "./examination/examinations.js";
import { EMPTY_LOG, type GroupLog } from "./groups/groupLog.js";
import type { GroupName } from "./groups/groupName.js";
import { type GroupMember, Groups, type GroupWays } from "./groups/groups.js";
import {
  type Address,
  type CoreEvent,
  type GroupKeys,
  Outputs,
  type PeerSearch,
  type PeerView,
  type ReceivedDatagram,
  type RequestReply,
  type SendTarget,
  type TakesMessages,
  type Token,
  type Transmit,
} from "./io.js";
import { type LaterVersion, LaterVersions } from "./laterVersions.js";
import { DEFAULT_LIMITS, type Limits } from "./limits.js";
import { type OutgoingCommand, Sessions } from "./session/sessions.js";
import { SourceGate } from "./sourceGate.js";

export interface CoreOptions {
  readonly identity: Identity;
  readonly verify: Verify;
  readonly handshakeSuite: HandshakeSuite;
  /** Read at every use: the user may change his mind. Default: nobody is blocked or verified. */
  readonly trust?: Trust;
  readonly random: RandomSource;
  /** At most 32 bytes of UTF-8. */
  readonly name: string;
  readonly dataPort: number;
  /** Where broadcast and multicast are heard. Default 22401. */
  readonly discoveryPort?: number;
  /** Wall clock now, milliseconds since 1970. */
  readonly startedAtMs: number;
  /** Appear in other rosters: send beacons, answer queries, say goodbye. */
  readonly announce: boolean;
  /** Default: everybody's. */
  readonly takesMessages?: TakesMessages | undefined;
  /** Addresses that no broadcast reaches: beacons and queries go there by unicast as well. */
  readonly configuredPeers?: readonly Address[];
  /** What our receive buffer allows a sender to have in flight, datagrams. */
  readonly receiveCreditDatagrams?: number;
  readonly limits?: Partial<Limits>;
  /** What was kept of groups. Default: nothing. */
  readonly groupLog?: GroupLog;
}

/** Everything that came out since the last poll. */
export interface CoreOutput {
  /** Settle these first: see `io.ts`. */
  readonly events: CoreEvent[];
  readonly transmits: Transmit[];
  /** Call `wake` then, or earlier; Infinity for never. */
  readonly wakeAtMs: number;
}

/** A wake-up this late means that the machine slept or the event loop was blocked. */
const LAG_TOLERATED_MS = 250;

/**
 * Message sequences begin anywhere below 2^24: people name messages by the last digits of their
 * ids, and those of programs that say one thing and end would all be alike.
 */
const SEQUENCE_START_DIGITS = 6;

/**
 * The protocol, without I/O. Feed it datagrams, commands and time; after every turn call `poll`
 * and carry out what it says. One instance is one incarnation of one device.
 *
 * ```text
 *   receive, wake, commands -> | discovery | sessions | groups | -> poll: events, transmits, wake
 * ```
 */
export class Core {
  readonly #context: CoreContext;
  readonly #discovery: Discovery;
  readonly #sessions: Sessions;
  readonly #groups: Groups;
  readonly #examinations: Examinations;
  readonly #laterVersions = new LaterVersions((address) => this.#discovery.isSeenAt(address));
  #messageSequence: number;
  #promisedWakeMs = Number.POSITIVE_INFINITY;
  #departing = false;

  constructor(nowMs: number, options: CoreOptions) {
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#context = {
      identity: options.identity,
      verify: options.verify,
      trust: options.trust ?? TRUST_NOTHING,
      gate: new SourceGate(limits),
      random: options.random,
      incarnation: randomHex(options.random, INCARNATION_BYTES),
      startedAtMs: options.startedAtMs,
      name: options.name,
      dataPort: options.dataPort,
      limits,
      counters: new Counters(),
      outputs: new Outputs(),
    };
    this.#messageSequence = Number.parseInt(this.incarnation.slice(0, SEQUENCE_START_DIGITS), 16);
    this.#groups = new Groups(nowMs, this.#context, options.groupLog ?? EMPTY_LOG, {
      announces: options.announce,
      announcedIn: (groupId) => this.#discovery.announcedIn(groupId),
      provenAddressOf: (instance) => this.#discovery.provenAddressOf(instance),
      confirm: (nowMs, instance, at) => this.#discovery.confirm(nowMs, instance, at),
      addressOf: (device) => this.#discovery.addressOf(device),
      isPresent: (nowMs, instance) => this.#discovery.isPresent(nowMs, instance),
      challenge: (nowMs, at) => this.#discovery.challenge(nowMs, at),
      sendNote: (nowMs, note) => this.#sendNote(nowMs, note),
      cancelNote: (nowMs, token) => this.#sessions.cancel(nowMs, token),
    });
    this.#discovery = new Discovery(nowMs, this.#context, {
      announce: options.announce,
      configuredPeers: options.configuredPeers ?? [],
      groups: () => this.#groups.mentions(),
      restarted: (nowMs, device) => this.#sessions.restarted(nowMs, device),
      groupsAnnounced: (nowMs, instance, groups) =>
        this.#groups.groupsAnnounced(nowMs, instance, groups),
    });
    this.#sessions = new Sessions(this.#context, {
      suite: options.handshakeSuite,
      creditDatagrams: options.receiveCreditDatagrams ?? 256,
      announces: options.announce,
      takesMessages: options.takesMessages,
      addressOf: (device) => this.#discovery.addressOf(device),
      mayBeSent: (nowMs, device, to, sizeBytes) =>
        this.#discovery.mayBeSent(nowMs, device, to, sizeBytes),
      heard: (nowMs, peer, rttMs) => this.#discovery.heard(nowMs, peer, rttMs),
      noteArrived: (nowMs, from, record) => {
        if (record.kind !== RecordKind.examination) this.#groups.receiveNote(nowMs, from, record);
        else this.#examinations.receiveNote(nowMs, from, record.body);
      },
    });
    this.#examinations = new Examinations(this.#context, {
      discoveryPort: options.discoveryPort ?? DEFAULT_DISCOVERY_PORT,
      sendNote: (nowMs, note) => this.#sendNote(nowMs, note),
    });
  }

  /** Our device key, 64 hexadecimal digits. */
  get id(): string {
    return this.#context.identity.device;
  }

  /** Of this start, 16 hexadecimal digits. */
  get incarnation(): string {
    return this.#context.incarnation;
  }

  get limits(): Limits {
    return this.#context.limits;
  }

  counters(): Readonly<Record<CounterName, number>> {
    return this.#context.counters.snapshot();
  }

  /** How much of what is bounded is in use: compare `limits`. */
  usage(): Readonly<Record<string, number>> {
    const { sessionCount, halfOpenCount, dialCount, reassemblyBytesUsed } = this.#sessions;
    return {
      peers: this.peers().length,
      sessions: sessionCount,
      halfOpenHandshakes: halfOpenCount,
      dials: dialCount,
      reassemblyBytes: reassemblyBytesUsed,
      groupMembers: this.#groups.memberCount,
      groupHeldBytes: this.#groups.heldBytes,
    };
  }

  // Input: the network and time.

  /** A datagram that `isOurs`. Never throws: hostile input is dropped and counted. */
  receive(nowMs: number, datagram: ReceivedDatagram): void {
    this.#context.counters.add("datagramsReceived");
    try {
      this.#dispatch(nowMs, datagram);
    } catch (error) {
      if (!(error instanceof UdpchatError) || error.code !== "MALFORMED_DATAGRAM") throw error;
      this.#context.counters.add("datagramsMalformed");
    }
  }

  #dispatch(nowMs: number, datagram: ReceivedDatagram): void {
    switch (datagramType(datagram.bytes)) {
      case DatagramType.beacon:
      case DatagramType.leave:
      case DatagramType.query:
      case DatagramType.answer:
        this.#discovery.receive(nowMs, datagram);
        return;
      case DatagramType.handshakeInit:
      case DatagramType.handshakeResponse:
      case DatagramType.handshakeFinish:
      case DatagramType.cookie:
      case DatagramType.sealed:
      case DatagramType.reset:
        this.#sessions.receive(nowMs, datagram);
        return;
      case DatagramType.groupData:
      case DatagramType.groupHeartbeat:
      case DatagramType.groupNack:
      case DatagramType.groupSealed:
        this.#groups.receive(nowMs, datagram);
        return;
      case DatagramType.probe:
        this.#examinations.receiveProbe(datagram);
        return;
      default:
        this.#receiveUnknown(nowMs, datagram);
    }
  }

  /** Never answered: who sent it is not known, nor whether it would understand. */
  #receiveUnknown(nowMs: number, { bytes, from }: ReceivedDatagram): void {
    const version = versionAfterOurs(bytes);
    if (version === undefined) {
      this.#context.counters.add("datagramsUnknown");
      return;
    }
    this.#context.counters.add("datagramsOfLaterVersions");
    const told = this.#laterVersions.heard(nowMs, from, version);
    if (told !== undefined) this.#context.outputs.event({ kind: "laterVersion", ...told });
  }

  /** Time passed. Harmless when nothing is due. */
  wake(nowMs: number): void {
    const lagMs = nowMs - this.#promisedWakeMs;
    if (lagMs > LAG_TOLERATED_MS) {
      this.#discovery.compensate(nowMs, lagMs);
      this.#sessions.compensate(nowMs, lagMs);
      this.#groups.compensate(nowMs, lagMs);
    }
    this.#discovery.wake(nowMs);
    this.#sessions.wake(nowMs);
    this.#groups.wake(nowMs);
    this.#examinations.wake(nowMs);
  }

  /** Packs what is waiting into datagrams and hands everything over. Call once per turn. */
  poll(nowMs: number): CoreOutput {
    this.#sessions.flush(nowMs);
    this.#groups.flush(nowMs);
    this.#promisedWakeMs = this.#nextWakeMs();
    if (this.#departing && this.#promisedWakeMs === Number.POSITIVE_INFINITY) {
      this.#departing = false;
      this.#context.outputs.event({ kind: "departed" });
    }
    const { events, transmits } = this.#context.outputs.drain();
    return { events, transmits, wakeAtMs: this.#promisedWakeMs };
  }

  #nextWakeMs(): number {
    return Math.min(
      this.#discovery.nextWakeMs(),
      this.#sessions.nextWakeMs(),
      this.#groups.nextWakeMs(),
      this.#examinations.nextWakeMs(),
    );
  }

  // Input: discovery commands.

  /** Asks who is there; answers come as `answer` events with the returned nonce. */
  query(nowMs: number): string {
    return this.#discovery.query(nowMs);
  }

  /** An interface appeared, vanished or changed its address: announce ourselves again. */
  interfacesChanged(nowMs: number): void {
    this.#discovery.interfacesChanged(nowMs);
    this.#groups.interfacesChanged(nowMs);
  }

  /**
   * Another nickname, at most 32 bytes of UTF-8. Beacons and groups have it at once, peers that we
   * have a session with when its keys are changed.
   */
  rename(nowMs: number, name: string): void {
    this.#context.name = name;
    this.#groups.rename(nowMs, name);
    this.#discovery.announceSoon(nowMs);
  }

  /** Other addresses than before that no broadcast reaches: asked at once. */
  configurePeers(nowMs: number, addresses: readonly Address[]): void {
    this.#discovery.configurePeers(nowMs, addresses);
  }

  peers(): PeerView[] {
    return this.#discovery.peers();
  }

  /** Those of `peers` who are looked for, at a cost that grows with those found. */
  findPeers(search: PeerSearch): PeerView[] {
    return this.#discovery.findPeers(search);
  }

  /** The one of `peers` that is this device. */
  peer(device: string): PeerView | undefined {
    return this.#discovery.peer(device);
  }

  /** Where a device has shown that it is, as far as it is known. */
  placeOf(device: string): Address | undefined {
    return this.#discovery.placeOf(device);
  }

  /** Who is heard in later versions of the protocol, and not seen in ours. */
  laterVersions(nowMs: number): LaterVersion[] {
    return this.#laterVersions.list(nowMs);
  }

  // Input: messages.

  /**
   * Sends a text or a request. Ends in exactly one `delivered` or `failed` event for `token`; a
   * request then in one `reply` or `failed` event as well. Returns the message id.
   */
  send(
    nowMs: number,
    message: {
      readonly token: Token;
      readonly target: SendTarget;
      readonly kind: "text" | "request" | "receipt";
      readonly body: Uint8Array;
      readonly sentAtMs: number;
      /** Fails with NOT_VERIFIED, and nothing is sent, if the device that answers is not. */
      readonly requiresVerified?: boolean | undefined;
      /** From `newMessageId`, perhaps of an earlier start. Default: a new one. */
      readonly messageId?: string | undefined;
    },
  ): string {
    const id = message.messageId ?? this.newMessageId();
    const { incarnation, messageSequence } = messageIdParts(id);
    const { token, target, kind, body, sentAtMs, requiresVerified } = message;
    this.#sessions.send(nowMs, {
      token,
      target,
      kind,
      body,
      sentAtMs,
      requiresVerified,
      incarnation,
      messageSequence,
    });
    return id;
  }

  /** An id that no message has: for a text that is kept before it is sent. */
  newMessageId(): string {
    return messageId(this.incarnation, this.#nextMessageSequence());
  }

  /** Gives a message or request up: no more events for `token`. */
  cancel(nowMs: number, token: Token): void {
    this.#sessions.cancel(nowMs, token);
  }

  /** Answers a `request` event. Late or repeated replies are ignored. */
  reply(nowMs: number, reply: RequestReply): void {
    this.#sessions.reply(nowMs, { ...reply, messageSequence: this.#nextMessageSequence() });
  }

  /** The user blocked a device: ends everything with it, here and in the roster. */
  blocked(nowMs: number, device: string): void {
    this.#sessions.blocked(nowMs, device);
    this.#discovery.blocked(nowMs, device);
    this.#groups.blocked(nowMs, device);
    this.#examinations.blocked(device);
  }

  // Input: examinations.

  /**
   * Finds out with a peer what passes between us. Join the groups of `EXAMINED_GROUPS` first. Ends in
   * exactly one `delivered` or `failed` event for `token`; once it is delivered, call
   * `expectReady`: it then ends in one `examined` event as well. Throws LIMIT_REACHED.
   */
  examine(nowMs: number, target: SendTarget, token: Token): void {
    this.#examinations.ask(nowMs, target, token);
  }

  /** The peer has the question; who does not begin within this time never will. */
  expectReady(nowMs: number, token: Token, withinMs: number): void {
    this.#examinations.expectReady(nowMs, token, withinMs);
  }

  /** No `examined` event for `token` any more. */
  cancelExamination(nowMs: number, token: Token): void {
    this.#examinations.cancel(token);
    this.#sessions.cancel(nowMs, token);
  }

  /** Answers an `examinationAsked` event; `wallMs`: milliseconds since 1970. */
  readyForExamination(nowMs: number, key: string, wallMs: number): void {
    this.#examinations.ready(nowMs, key, wallMs);
  }

  // Input: groups.

  /**
   * Becomes a member; joining twice is one membership. A secret group needs its keys: `groupKeys`
   * events tell how they change. Throws LIMIT_REACHED.
   */
  joinGroup(nowMs: number, group: GroupName, keys?: GroupKeys): void {
    this.#groups.join(nowMs, group, keys);
    this.#discovery.groupsChanged(nowMs);
  }

  /**
   * Gives a peer the key of a secret group that we are in. Ends in exactly one `delivered` or
   * `failed` event for `token`. Throws NOT_A_MEMBER, INVALID_GROUP for an open group.
   */
  inviteToGroup(nowMs: number, groupId: string, target: SendTarget, token: Token): void {
    this.#groups.invite(nowMs, groupId, target, token);
  }

  /**
   * Changes the key of a secret group and gives the new one to every member but `device`: what is
   * said from now on it cannot read. Throws NOT_A_MEMBER, INVALID_GROUP for an open group.
   */
  removeFromGroup(nowMs: number, groupId: string, device: string): void {
    this.#groups.removeMember(nowMs, groupId, device);
  }

  /** Says goodbye to the group and serves repairs for a moment; ends in `groupLeft`. */
  leaveGroup(nowMs: number, groupId: string): void {
    this.#groups.leave(nowMs, groupId);
    this.#discovery.groupsChanged(nowMs);
  }

  /**
   * One message to a group. It goes out with the next poll, whose time counts. Returns the message
   * id. Throws NOT_A_MEMBER, LIMIT_REACHED.
   */
  say(_nowMs: number, groupId: string, body: Uint8Array, sentAtMs: number): string {
    const messageSequence = this.#nextMessageSequence();
    this.#groups.say(groupId, { body, sentAtMs, messageSequence });
    return messageId(this.incarnation, messageSequence);
  }

  /**
   * What was said in groups before `beforeMs`, milliseconds since 1970, is forgotten, and not taken
   * in any more; that bound goes on with time, until the next call.
   */
  forgetBefore(nowMs: number, beforeMs: number): void {
    this.#groups.forgetBefore(nowMs, beforeMs);
  }

  /** How a group reaches its members now; undefined if we are no member. */
  transportOf(groupId: string): GroupWays | undefined {
    return this.#groups.transportOf(groupId);
  }

  /** The members of a group that are known, ourselves not included. */
  members(groupId: string): GroupMember[] {
    return this.#groups.members(groupId);
  }

  /** Leaves everything: groups, sessions, the roster. Ends in `departed`; then drop the core. */
  leave(nowMs: number): void {
    this.#departing = true;
    this.#examinations.close();
    this.#groups.leaveAll(nowMs);
    this.#sessions.closeAll(nowMs);
    this.#discovery.leave(nowMs);
  }

  /** Notes are numbered as messages are, and their time is nobody's business. */
  #sendNote(nowMs: number, note: Omit<OutgoingCommand, "sentAtMs" | "messageSequence">): void {
    const messageSequence = this.#nextMessageSequence();
    this.#sessions.send(nowMs, { ...note, sentAtMs: 0, messageSequence });
  }

  #nextMessageSequence(): number {
    this.#messageSequence += 1;
    return this.#messageSequence;
  }
}
