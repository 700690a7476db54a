import type { GroupData, GroupHeartbeat, GroupNack, SequenceRange } from "../../wire/group.js";
import type { Instance } from "../../wire/presence.js";
import { clamp } from "../clamp.js";
import type { Address, PeerRef } from "../io.js";
import type { Alarm } from "../timers.js";
import { TokenBucket } from "../tokenBucket.js";
import type { GroupsContext } from "./groupsContext.js";
import type { Arrival } from "./heldDatagrams.js";
import type { GroupRoundTrip } from "./nack.js";
import { type Baseline, Receiver } from "./receiver.js";

/** Silence of this many announced intervals makes a member offline. */
const SILENT_INTERVALS = 3.5;
const MIN_INTERVAL_MS = 1000;
/** The longest of our own rule: 4096 members x 31.25 ms is 128 s, x 1.25; and some. */
const MAX_INTERVAL_MS = 180_000;
/** NACKs of one member that are looked at, per second. */
const NACKS_PER_SECOND = 20;
/** Until a heartbeat says otherwise: the longest steady interval of a small group. */
const INITIAL_INTERVAL_MS = 37_500;

/** For so long somebody may be silent that promised to be heard within `intervalMs`. */
export function silenceAllowedMs(intervalMs: number): number {
  return SILENT_INTERVALS * clamp(intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS);
}

/** What a member needs of the membership around it. */
export interface MemberSurroundings {
  readonly groupId: string;
  readonly roundTrip: GroupRoundTrip;
  /** Members online, ourselves included. */
  memberCount(): number;
  /** The announced time is over and nothing was heard. */
  silent(nowMs: number, member: Member): void;
  sendNack(of: Instance, missing: readonly SequenceRange[]): void;
  /** See `ReceiverSurroundings`. */
  take(nowMs: number, data: GroupData, arrival: Arrival): void;
  catchingUp(nowMs: number): boolean;
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
  /** Only its own heartbeats say where it is: what it said may be repeated by anybody. */
  #isAddressKnown = false;
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
    baseline: Baseline,
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
      take: (nowMs: number, data: GroupData, arrival: Arrival) => around.take(nowMs, data, arrival),
      catchingUp: (nowMs: number) => around.catchingUp(nowMs),
      peer: () => this.peer(),
      sendNack: (missing: readonly SequenceRange[]) => around.sendNack(this, missing),
    };
    this.receiver = new Receiver(context, receiverSurroundings, baseline);
  }

  /** As events show it: name and port as it says, address as its heartbeats come from. */
  peer(): PeerRef {
    const found = this.#context.addressOf(this.device);
    const { address } = this.#isAddressKnown ? this.#address : (found ?? this.#address);
    const port = this.#dataPort ?? found?.port ?? this.#address.port;
    return { id: this.device, name: this.#name, address, port };
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

  /** Takes over what a verified heartbeat from there says of its sender. */
  describe(heartbeat: GroupHeartbeat, from: Address): void {
    this.#address = from;
    this.#isAddressKnown = true;
    this.#heartbeatSequence = heartbeat.sequence;
    this.#name = heartbeat.name;
    this.#dataPort = heartbeat.dataPort;
    this.#intervalMs = clamp(heartbeat.intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS);
  }

  /** A line that is news says its author's name. */
  rename(name: string): void {
    this.#name = name;
  }

  /** It said something just now, as a verified datagram shows. */
  heard(nowMs: number): void {
    this.#heardAtMs = nowMs;
    this.#heardCount += 1;
  }

  /** It was not heard for longer than it promised. */
  isSilent(nowMs: number): boolean {
    return nowMs >= this.#silentAtMs();
  }

  /**
   * What it said with this sequence it can have said while it is, or was, here: only what comes
   * behind its last word, or after a long silence, may be a recording.
   */
  isHereFor(sequence: number): boolean {
    if (this.state === "left") return sequence <= this.receiver.lead;
    return this.state === "online";
  }

  /** `from` is where it is: it said this itself. */
  isAt({ address }: Address): boolean {
    return this.#isAddressKnown && this.#address.address === address;
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
    if (this.isSilent(nowMs)) this.#around.silent(nowMs, this);
    else this.watch();
  }
}
