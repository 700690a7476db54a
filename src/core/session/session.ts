import type { PacketProtector } from "../../crypto/handshake.js";
import { randomU32 } from "../../crypto/random.js";
import {
  MAX_DATAGRAM_BYTES,
  MIN_REMINDING_BYTES,
  SEALED_HEADER_BYTES,
} from "../../wire/constants.js";
import { sameBytes, Writer } from "../../wire/cursor.js";
import {
  type AckFrame,
  type AdvanceFrame,
  ackFrameBytes,
  type CloseFrame,
  type FragmentFrame,
  type Frame,
  FrameType,
  Lane,
  type LaneCode,
  type MessageFrame,
  readFrames,
  writeFrame,
} from "../../wire/frames.js";
import { encodeSealedHeader, type SealedHeader } from "../../wire/session.js";
import type { CoreContext } from "../context.js";
import { type Address, isSameAddress } from "../io.js";
import { Acknowledger } from "./acknowledger.js";
import { SLICE_OVERHEAD_BYTES } from "./outboundLane.js";
import type { Outgoing } from "./outgoing.js";
import { Pacer } from "./pacer.js";
import { PathValidation } from "./pathValidation.js";
import { Recovery, type SentPacket } from "./recovery.js";
import { SendQueue } from "./sendQueue.js";

/** No acknowledgement for this long although something is in flight: the session is dead. */
const DEAD_AFTER_MS = 30_000;

/** Nobody gets to keep more than this in our flight, whatever it grants. */
const MAX_CREDIT_DATAGRAMS = 256;
/** Full slices leave this room for an acknowledgement; one with many ranges goes alone. */
const PIGGYBACK_ACK_BYTES = 48;
/** The responder of a worn session waits this much longer with a new one: it is rarely needed. */
const RESPONDER_PATIENCE = 1.1;
/** What wears a session out, as a multiple of what calls for a new one. */
const WORN_OUT = 2;
/** A packet may be preceded by an acknowledgement of its own. */
const NUMBERS_AT_ONCE = 2;

/** Where frames are put together: one packet at a time, which is sealed into memory of its own. */
const draft = new Writer(MAX_DATAGRAM_BYTES);

/** Why a session was closed: the last byte of a CLOSE frame. */
export const CloseReason = { leaving: 0, stalled: 1 } as const;

/** The last two messages of our handshake: the one goes out again if exactly the other comes again. */
export interface HandshakeEnding {
  readonly response: Uint8Array;
  readonly finish: Uint8Array;
}

/** What a session tells the link above it, and asks of it. */
export interface SessionOwner {
  /** The lowest unsettled sequence of an outbound lane. */
  laneBase(lane: LaneCode): number;
  /** A message or fragment arrived. `refused`: no room, the packet must come again. */
  incoming(nowMs: number, frame: MessageFrame | FragmentFrame): "taken" | "refused";
  advance(nowMs: number, frame: AdvanceFrame): void;
  /** The whole of a message was acknowledged. */
  delivered(nowMs: number, message: Outgoing): void;
  /** An ADVANCE of ours was acknowledged. */
  advanced(nowMs: number, frame: AdvanceFrame): void;
}

/**
 * One sealed channel between two incarnations: packs chunks into packets, keeps them until they
 * are acknowledged, and opens what comes in. It knows packet numbers and frames, not messages.
 */
export class Session {
  readonly localIndex: number;
  readonly remoteIndex: number;
  /** True if we sent the first handshake message. */
  readonly initiator: boolean;
  readonly establishedAtMs: number;
  /** Where the peer is: it received there what we sent. */
  path: Address;
  /** Replaced by a newer session: still receives and acknowledges, sends nothing new. */
  draining = false;

  readonly #context: CoreContext;
  readonly #owner: SessionOwner;
  readonly #protector: PacketProtector;
  #confirmed: boolean;
  /** Until the peer shows that it has our third handshake message. */
  #ending: HandshakeEnding | undefined;
  readonly #creditDatagrams: number;
  readonly #recovery: Recovery;
  readonly #acknowledger: Acknowledger;
  readonly #pacer = new Pacer();
  readonly #queue: SendQueue;
  #remoteCreditDatagrams: number;
  /** Where its newest packet came from, until it has shown that it is there. */
  #validation: PathValidation | undefined;
  #highestSealed = -1;
  #sealedCount = 0;
  #highestOpened = -1;
  #windowLimited = false;
  #paceAtMs = Number.POSITIVE_INFINITY;
  #lastProgressAtMs: number;
  #lastReceivedAtMs: number;

  constructor(
    nowMs: number,
    context: CoreContext,
    owner: SessionOwner,
    options: {
      readonly localIndex: number;
      readonly remoteIndex: number;
      readonly initiator: boolean;
      readonly protector: PacketProtector;
      readonly path: Address;
      /** What we grant, and what the peer grants, in datagrams. */
      readonly creditDatagrams: number;
      readonly remoteCreditDatagrams: number;
      readonly ending?: HandshakeEnding;
    },
  ) {
    this.#context = context;
    this.#owner = owner;
    this.localIndex = options.localIndex;
    this.remoteIndex = options.remoteIndex;
    this.initiator = options.initiator;
    this.path = options.path;
    this.#protector = options.protector;
    this.#ending = options.ending;
    this.#confirmed = !options.initiator;
    this.#acknowledger = new Acknowledger(context.limits.replayWindowPackets);
    this.#creditDatagrams = options.creditDatagrams;
    this.#remoteCreditDatagrams = usableCredit(options.remoteCreditDatagrams);
    this.#queue = new SendQueue((lane) => owner.laneBase(lane));
    this.#recovery = new Recovery(() => context.random.uniform());
    this.establishedAtMs = nowMs;
    this.#lastProgressAtMs = nowMs;
    this.#lastReceivedAtMs = nowMs;
  }

  /** The peer showed that it has the keys: it sent a packet we could open. */
  get confirmed(): boolean {
    return this.#confirmed;
  }

  /** The peer seems to have left its path, and has not shown yet where it is. */
  get isMoving(): boolean {
    return this.#validation !== undefined;
  }

  /** The latest round trip, not smoothed; undefined if there is none since the last call. */
  takeRttSample(): number | undefined {
    return this.#recovery.rtt.takeSample();
  }

  get lastReceivedAtMs(): number {
    return this.#lastReceivedAtMs;
  }

  /** Probes since the last acknowledgement: many mean that the peer may be gone or elsewhere. */
  get probesUnanswered(): number {
    return this.#recovery.probesUnanswered;
  }

  /** Nothing is in flight or waits to be sent. */
  get quiet(): boolean {
    return this.#recovery.packetsInFlight === 0 && this.#queue.empty;
  }

  isDead(nowMs: number): boolean {
    if (this.isWornOut(nowMs)) return true;
    return this.#recovery.packetsInFlight > 0 && nowMs - this.#lastProgressAtMs >= DEAD_AFTER_MS;
  }

  /** Nothing ran for `lagMs`: the peer can't be blamed for making no progress in that time. */
  compensate(nowMs: number, lagMs: number): void {
    this.#lastProgressAtMs = Math.min(nowMs, this.#lastProgressAtMs + lagMs);
  }

  // Keys do not last for ever: a new handshake replaces them.

  /** Older, or more used, than keys should become. */
  isWorn(nowMs: number): boolean {
    return this.#wear(nowMs) >= 1;
  }

  /** It is on this side to begin the handshake that replaces the session. */
  wantsReplacement(nowMs: number): boolean {
    return this.#wear(nowMs) >= (this.initiator ? 1 : RESPONDER_PATIENCE);
  }

  /** Nothing is sealed any more: the session is over. */
  isWornOut(nowMs: number): boolean {
    return this.#wear(nowMs) >= WORN_OUT;
  }

  #wear(nowMs: number): number {
    const { rekeyAfterMs, rekeyAfterPackets } = this.#context.limits;
    const packets = this.#sealedCount + NUMBERS_AT_ONCE;
    return Math.max((nowMs - this.establishedAtMs) / rekeyAfterMs, packets / rekeyAfterPackets);
  }

  /** Did we send a packet with that number? Tells a reset from a guess. */
  wasSent(packetNumber: number): boolean {
    return this.#recovery.wasSent(packetNumber);
  }

  // Sending.

  /** Bytes of frames in one packet. */
  get #payloadBytes(): number {
    return MAX_DATAGRAM_BYTES - this.#overheadBytes;
  }

  /** Bytes of a packet around its frames. */
  get #overheadBytes(): number {
    return SEALED_HEADER_BYTES + this.#protector.overheadBytes;
  }

  /** Queues a message from its first byte. */
  start(message: Outgoing): void {
    const pieceBytes = this.#payloadBytes - SLICE_OVERHEAD_BYTES - PIGGYBACK_ACK_BYTES;
    for (const chunk of message.cut(pieceBytes)) this.#queue.add(chunk);
  }

  /** Queues a frame that asks for an acknowledgement. */
  ping(): void {
    this.#queue.ping();
  }

  /** Queues the lane's base: the peer is not to wait for what lies below. */
  advance(lane: LaneCode): void {
    this.#queue.advance(lane);
  }

  /** Sends what may be sent now. */
  flush(nowMs: number): void {
    this.#paceAtMs = Number.POSITIVE_INFINITY;
    if (this.#validation?.isDue(nowMs) === true) this.#challenge(nowMs, this.#validation);
    while (!this.draining && !this.#queue.empty && !this.isWornOut(nowMs)) {
      const creditSpent = this.#recovery.packetsInFlight >= this.#remoteCreditDatagrams;
      this.#windowLimited = creditSpent || !this.#recovery.congestion.open;
      if (this.#windowLimited) break;
      const readyAtMs = this.#pacer.readyAtMs(
        nowMs,
        this.#recovery.congestion.windowBytes,
        this.#recovery.rtt.smoothedMs,
      );
      if (readyAtMs > nowMs) {
        this.#windowLimited = true;
        this.#paceAtMs = readyAtMs;
        break;
      }
      this.#sendPacket(nowMs);
    }
    if (this.#acknowledger.dueAtMs <= nowMs) this.#sendAckOnly(nowMs);
  }

  /** The third handshake message once more, until the peer shows that it has it. */
  sendFinish(): void {
    if (this.#ending !== undefined) this.#context.outputs.unicast(this.#ending.finish, this.path);
  }

  /** A second handshake message came: if it is the one we took, our third one did not arrive. */
  receiveResponse(datagram: Uint8Array): void {
    const taken = this.#ending?.response;
    if (taken !== undefined && sameBytes(taken, datagram)) this.sendFinish();
  }

  /** Last words: pays the acknowledgement debt and tells the peer to forget the session. */
  sendClose(nowMs: number, reason: number): void {
    if (this.isWornOut(nowMs)) return;
    const writer = draft.restart(this.#payloadBytes);
    if (this.#acknowledger.owed) writeFrame(writer, this.#takeAck(nowMs));
    const close: CloseFrame = { type: FrameType.close, reason };
    writeFrame(writer, close);
    this.#transmit(writer);
  }

  // Time.

  nextWakeMs(): number {
    const challengeAtMs = this.#validation?.wakeAtMs ?? Number.POSITIVE_INFINITY;
    const { timeoutAtMs } = this.#recovery;
    return Math.min(timeoutAtMs, this.#acknowledger.dueAtMs, this.#paceAtMs, challengeAtMs);
  }

  wake(nowMs: number): void {
    if (this.#recovery.timeoutAtMs > nowMs) return;
    const { lost, probes } = this.#recovery.onTimeout(nowMs);
    this.#requeue(lost);
    if (probes > 0) this.#probe(nowMs, probes);
  }

  // Receiving.

  /**
   * A sealed datagram for this session, with its header. `sealInvalid`: not from the peer;
   * `repeated`: its number was seen before; in both cases nothing changed. `refused`: genuine, but
   * something in it is not taken.
   */
  receive(
    nowMs: number,
    header: SealedHeader,
    datagram: Uint8Array,
    from: Address,
  ): "taken" | "sealInvalid" | "repeated" | "refused" | "closed" {
    const { counter } = header;
    if (!this.#acknowledger.isNew(counter)) {
      // Its acknowledgement may have been lost; the probe that repeats the content asks again.
      return "repeated";
    }
    const clear = datagram.subarray(0, SEALED_HEADER_BYTES);
    const payload = this.#protector.open(counter, clear, datagram.subarray(SEALED_HEADER_BYTES));
    if (payload === undefined) return "sealInvalid";
    const frames = readFrames(payload);
    this.#context.counters.add("packetsReceived");
    this.#lastReceivedAtMs = nowMs;
    this.#confirmed = true;
    this.#ending = undefined;
    // RFC 9000 section 9.3: what is late, or held back and sent from elsewhere, moves nobody.
    if (counter > this.#highestOpened) {
      this.#highestOpened = counter;
      this.#cameFrom(from, datagram.length);
    }
    return this.#takeFrames(nowMs, counter, frames);
  }

  #cameFrom(from: Address, sizeBytes: number): void {
    if (isSameAddress(from, this.path)) {
      this.#validation = undefined;
      return;
    }
    if (this.#validation === undefined || !isSameAddress(from, this.#validation.to)) {
      this.#validation = new PathValidation(from);
    }
    this.#validation.heard(sizeBytes);
  }

  #takeFrames(
    nowMs: number,
    counter: number,
    frames: readonly Frame[],
  ): "taken" | "refused" | "closed" {
    let elicits: "nothing" | "soon" | "now" = "nothing";
    let closed = false;
    let refused = false;
    for (const frame of frames) {
      switch (frame.type) {
        case FrameType.ack:
          this.#takeAckFrame(nowMs, frame);
          break;
        case FrameType.close:
          closed = true;
          break;
        case FrameType.ping:
          elicits = "now";
          break;
        case FrameType.advance:
          this.#owner.advance(nowMs, frame);
          elicits = elicits === "now" ? "now" : "soon";
          break;
        case FrameType.message:
        case FrameType.fragment:
          // The record starts anew in the session that replaced this one.
          if (this.draining && frame.type === FrameType.fragment) return "refused";
          // What else is in the packet is not kept waiting by a text that nobody takes.
          if (this.#owner.incoming(nowMs, frame) === "refused") refused = true;
          elicits = elicits === "now" || wantsPromptAck(frame) ? "now" : "soon";
      }
    }
    if (refused) return "refused";
    this.#acknowledger.received(nowMs, counter, elicits);
    return closed ? "closed" : "taken";
  }

  #takeAckFrame(nowMs: number, ack: AckFrame): void {
    const { acknowledged, lost } = this.#recovery.acknowledge(nowMs, ack, this.#windowLimited);
    if (this.#validation?.isProvenBy(ack) === true) {
      this.path = this.#validation.to;
      this.#validation = undefined;
    }
    this.#remoteCreditDatagrams = usableCredit(ack.creditDatagrams);
    if (acknowledged.length > 0) this.#lastProgressAtMs = nowMs;
    for (const packet of acknowledged) {
      for (const chunk of packet.chunks) {
        if (chunk.message.acknowledge(chunk)) this.#owner.delivered(nowMs, chunk.message);
      }
      for (const frame of packet.control) {
        if (frame.type === FrameType.advance) this.#owner.advanced(nowMs, frame);
      }
    }
    this.#requeue(lost);
  }

  // Packets.

  #requeue(lost: readonly SentPacket[]): void {
    if (lost.length > 0) this.#context.counters.add("packetsLost", lost.length);
    for (const packet of lost.toReversed()) this.#queue.putBack(packet);
  }

  /** Repeats what is oldest in flight, whatever the window says (RFC 9002 section 6.2.4). */
  #probe(nowMs: number, probes: number): void {
    this.#context.counters.add("probesSent", probes);
    this.sendFinish();
    for (const packet of this.#recovery.oldest(probes)) {
      this.#queue.putBack(packet);
      if (this.#queue.empty) this.#queue.ping();
      this.#sendPacket(nowMs);
    }
  }

  #sendPacket(nowMs: number): void {
    if (this.isWornOut(nowMs)) return;
    const writer = draft.restart(this.#payloadBytes);
    if (this.#acknowledger.owed) this.#writeAck(nowMs, writer);
    const content = this.#queue.pack(writer);
    const packetNumber = this.#transmit(writer);
    const sizeBytes = this.#overheadBytes + writer.lengthBytes;
    if (this.#recovery.packetsInFlight === 0) this.#lastProgressAtMs = nowMs;
    this.#recovery.sent({ packetNumber, sentAtMs: nowMs, sizeBytes, ...content });
    this.#pacer.sent(sizeBytes);
  }

  /**
   * A ping to where the peer seems to be, if what came from there pays for it. It counts neither as
   * in flight nor as lost: whoever sends from ever new addresses would stop or fill the session.
   */
  #challenge(nowMs: number, validation: PathValidation): void {
    validation.challenged(nowMs);
    if (this.draining || this.isWornOut(nowMs)) return;
    const writer = draft.restart(this.#payloadBytes);
    writeFrame(writer, { type: FrameType.ping });
    if (validation.affords(this.#overheadBytes + writer.lengthBytes)) this.#transmit(writer);
  }

  #sendAckOnly(nowMs: number): void {
    if (this.isWornOut(nowMs)) return;
    const writer = draft.restart(this.#payloadBytes);
    writeFrame(writer, this.#takeAck(nowMs));
    this.#transmit(writer);
  }

  /** At the beginning of a packet; one that is too long goes ahead in a packet of its own. */
  #writeAck(nowMs: number, writer: Writer): void {
    const ack = this.#takeAck(nowMs);
    writeFrame(writer, ack);
    if (ackFrameBytes(ack) <= PIGGYBACK_ACK_BYTES) return;
    this.#transmit(writer);
    writer.restart(this.#payloadBytes);
  }

  #takeAck(nowMs: number): AckFrame {
    return this.#acknowledger.take(nowMs, this.#creditDatagrams);
  }

  /** Returns the packet number. */
  #transmit(payload: Writer): number {
    if (!this.#confirmed) this.#pad(payload);
    const to = this.#validation === undefined ? this.path : this.#wayFor(this.#validation, payload);
    const packetNumber = this.#recovery.takePacketNumber();
    // The one thing that must never happen: two packets with one nonce.
    if (packetNumber <= this.#highestSealed) throw new Error("a packet number was used twice");
    this.#highestSealed = packetNumber;
    this.#sealedCount += 1;
    const header = encodeSealedHeader({ receiverIndex: this.remoteIndex, counter: packetNumber });
    const datagram = this.#protector.seal(packetNumber, header, payload.finish());
    this.#context.counters.add("packetsSent");
    this.#context.outputs.unicast(datagram, to);
    return packetNumber;
  }

  /** What is too much for a path that is not proven goes where the peer was. */
  #wayFor(validation: PathValidation, { lengthBytes }: Writer): Address {
    const sizeBytes = this.#overheadBytes + lengthBytes;
    const isThere = validation.affords(sizeBytes);
    if (validation.isSwitch(isThere)) this.#recovery.skipPacketNumbers(this.#unguessable());
    validation.sent(isThere, this.#recovery.nextPacketNumber, sizeBytes);
    return isThere ? validation.to : this.path;
  }

  /** At most 2^28: for a switch with each packet that a session seals there are numbers enough. */
  #unguessable(): number {
    return 1 + (randomU32(this.#context.random) >>> 4);
  }

  /** If our third handshake message was lost, this must be worth the second one once more. */
  #pad(payload: Writer): void {
    payload.zeros(Math.max(0, MIN_REMINDING_BYTES - this.#overheadBytes - payload.lengthBytes));
  }
}

/** A credit of 0 would stop a session for good. */
function usableCredit(grantedDatagrams: number): number {
  return Math.max(1, Math.min(grantedDatagrams, MAX_CREDIT_DATAGRAMS));
}

/** A sender waits for the delivery of a text; a request is acknowledged by its reply. */
function wantsPromptAck(frame: MessageFrame | FragmentFrame): boolean {
  return frame.type === FrameType.message && frame.lane === Lane.ordered;
}
