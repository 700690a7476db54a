import type { GroupHeartbeat, GroupNack, SequenceRange } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { clamp } from "../clamp.js";
import type { Address, PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import { TokenBucket } from "../tokenBucket.js";
import type { GroupsContext } from "./groupsContext.js";
import type { GroupRoundTrip } from "./nack.js";
import { Receiver } from "./receiver.js";

/** Silence of this many announced intervals makes a member offline. */
const SILENT_INTERVALS = 3.5;
const MIN_INTERVAL_MS = 1000;
/** The longest of our own rule: 4096 members x 31.25 ms is 128 s, x 1.25; and some. */
const MAX_INTERVAL_MS = 180_000;
/** NACKs of one member that are looked at, per second. */
const NACKS_PER_SECOND = 20;
/** Until a heartbeat says otherwise: the longest steady interval of a small group. */
const INITIAL_INTERVAL_MS = 37_500;

/** What a member needs of the membership around it. */
export interface MemberSurroundings {
  readonly groupId: string;
  readonly roundTrip: GroupRoundTrip;
  /** Members online, ourselves included. */
  memberCount(): number;
  /** The announced time is over and nothing was heard. */
  silent(member: Member): void;
  sendNack(of: Instance, missing: readonly SequenceRange[]): void;
}

/** Online; silent for too long; left by its own word; or kept out, by us or by the group. */
export type MemberState = "online" | "offline" | "left" | "dismissed";

/** One incarnation of another device in a group: who it is, whether it is here, what it says. */
export class Member implements Instance {
  readonly device: string;
  readonly incarnation: string;
  readonly receiver: Receiver;
  state: MemberState = "offline";
  readonly #context: GroupsContext;
  readonly #around: MemberSurroundings;
  #name = "";
  #address: Address;
  #dataPort: number | undefined;
  #heartbeatSequence = -1;
  #nackSequence = -1;
  readonly #nacks = new TokenBucket(NACKS_PER_SECOND, NACKS_PER_SECOND);
  #intervalMs = INITIAL_INTERVAL_MS;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  #heardCount = 0;
  readonly #silence: Alarm = (nowMs) => this.#onSilence(nowMs);

  constructor(
    context: GroupsContext,
    around: MemberSurroundings,
    origin: { readonly instance: Instance; readonly from: Address },
    baseline: { readonly expected: number; readonly provisional: boolean },
  ) {
    this.device = origin.instance.device;
    this.incarnation = origin.instance.incarnation;
    this.#context = context;
    this.#around = around;
    this.#address = origin.from;
    const receiverSurroundings = {
      groupId: around.groupId,
      roundTrip: around.roundTrip,
      memberCount: () => around.memberCount(),
      peer: () => this.peer(),
      sendNack: (missing: readonly SequenceRange[]) => around.sendNack(this, missing),
    };
    this.receiver = new Receiver(context, this, receiverSurroundings, baseline);
  }

  /** As events show it: name and port as it says, address as it was last heard from. */
  peer(): PeerRef {
    const port = this.#dataPort ?? this.#context.addressOf(this.device)?.port ?? this.#address.port;
    return { id: this.device, name: this.#name, address: this.#address.address, port };
  }

  /** When it was last heard, monotonic. */
  get heardAtMs(): number {
    return this.#heardAtMs;
  }

  /** By one datagram alone: perhaps an invention of a moment. */
  get heardOnce(): boolean {
    return this.#heardCount <= 1;
  }

  /** Older heartbeats are repeated or replayed: not worth a signature check. */
  isStale(heartbeat: GroupHeartbeat): boolean {
    return heartbeat.sequence <= this.#heartbeatSequence;
  }

  /** A NACK that is repeated or replayed, or one too many: not worth a signature check. */
  hasSpent(nowMs: number, nack: GroupNack): boolean {
    return nack.sequence <= this.#nackSequence || this.#nacks.waitMs(nowMs, 1) > 0;
  }

  /** A verified NACK of it. */
  asked(nowMs: number, nack: GroupNack): void {
    this.#nackSequence = nack.sequence;
    this.#nacks.take(nowMs);
  }

  /** Takes over what a verified heartbeat says of its sender. */
  describe(heartbeat: GroupHeartbeat): void {
    this.#heartbeatSequence = heartbeat.sequence;
    this.#name = heartbeat.name;
    this.#dataPort = heartbeat.dataPort;
    this.#intervalMs = clamp(heartbeat.intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS);
  }

  /** A line that is news says its author's name. */
  rename(name: string): void {
    this.#name = name;
  }

  /** A verified datagram of it came. */
  heard(nowMs: number, from: Address): void {
    this.#heardAtMs = nowMs;
    this.#heardCount += 1;
    this.#address = from;
  }

  /** Time in which nobody could have been heard does not count as silence. */
  compensate(nowMs: number, lagMs: number): void {
    this.#heardAtMs = Math.min(nowMs, this.#heardAtMs + lagMs);
  }

  /** Listens for silence, from now on. */
  watch(): void {
    // A later deadline is found when the earlier one is reached: no timer is moved per datagram.
    const dueMs = this.#silentAtMs();
    const setMs = this.#context.timers.get(this.#silence) ?? Number.POSITIVE_INFINITY;
    if (dueMs < setMs) this.#context.timers.set(this.#silence, dueMs);
  }

  unwatch(): void {
    this.#context.timers.clear(this.#silence);
  }

  /** Drops everything, silently. */
  close(): void {
    this.unwatch();
    this.receiver.close();
  }

  #silentAtMs(): number {
    return this.#heardAtMs + SILENT_INTERVALS * this.#intervalMs;
  }

  #onSilence(nowMs: number): void {
    if (nowMs >= this.#silentAtMs()) this.#around.silent(this);
    else this.watch();
  }
}
